import { AnchorHTMLAttributes, MouseEvent, useSyncExternalStore } from 'react';

const moved = 'forum:moved';

/** Goes to a page of this application without loading it anew. */
export function navigate(to: string, options: { replace?: boolean } = {}) {
  history[options.replace ? 'replaceState' : 'pushState'](null, '', to);
  window.dispatchEvent(new Event(moved));
  window.scrollTo(0, 0);
}

function onMove(update: () => void) {
  window.addEventListener('popstate', update);
  window.addEventListener(moved, update);
  return () => {
    window.removeEventListener('popstate', update);
    window.removeEventListener(moved, update);
  };
}

/** The address shown, kept current. */
export function useAddress(): URL {
  return new URL(useSyncExternalStore(onMove, () => location.href));
}

export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const asksForATab = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0;
    if (event.defaultPrevented || asksForATab) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
