import { ReactNode, useEffect, useRef, useState } from 'react';
import { ApiError } from './api';
import { Link } from './router';

const clock = new Intl.DateTimeFormat('zh-CN', {
  timeZone: 'Asia/Shanghai', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
});

function ago(time: Date): string {
  const seconds = Math.max(0, (Date.now() - time.getTime()) / 1000);
  if (seconds < 60) return '刚刚';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} 分钟前`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} 小时前`;
  if (seconds < 7 * 86400) return `${Math.floor(seconds / 86400)} 天前`;
  return clock.format(time).slice(0, 10);
}

/** A time in Shanghai; `short` says how long ago it was and keeps the full time as a tooltip. */
export function Time({ value, short }: { value: string; short?: boolean }) {
  const time = new Date(value);
  const full = clock.format(time);
  return <time dateTime={value} title={`${full}（北京时间）`}>{short ? ago(time) : full}</time>;
}

/** The first letter of a name on a colour that belongs to the name. */
export function Avatar({ name, size = 40 }: { name: string; size?: number }) {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)!) % 360;
  const style = { width: size, height: size, fontSize: size * 0.44, background: `linear-gradient(140deg, hsl(${hash} 48% 52%), hsl(${(hash + 32) % 360} 52% 40%))` };
  return <span className="avatar" style={style} aria-hidden="true">{Array.from(name)[0]?.toUpperCase()}</span>;
}

export function Empty({ picture, title, children }: { picture: string; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <div className="empty-picture" aria-hidden="true">{picture}</div>
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry: () => void }) {
  if (error.status === 404) {
    return <Empty picture="🧭" title="找不到这个页面"><Link href="/">回到首页</Link></Empty>;
  }
  return (
    <Empty picture="🌊" title="暂时打不开">
      {error.message} <button type="button" className="link" onClick={retry}>再试一次</button>
    </Empty>
  );
}

export function Skeleton({ rows }: { rows: number }) {
  return (
    <div className="card" aria-busy="true" aria-label="加载中">
      {Array.from({ length: rows }, (_, i) => (
        <div className="row skeleton" key={i}><i className="dot" /><div><i className="bar" /><i className="bar thin" /></div></div>
      ))}
    </div>
  );
}

/** Page numbers around the current one, the first and the last. */
export function Pager({ page, pages, address }: { page: number; pages: number; address: (page: number) => string }) {
  if (pages < 2) return null;
  const numbers = [...new Set([1, page - 1, page, page + 1, pages])].filter((n) => n >= 1 && n <= pages);
  return (
    <nav className="pager" aria-label="分页">
      {page > 1 && <Link href={address(page - 1)} rel="prev">‹ 上一页</Link>}
      {numbers.map((n, i) => (
        <span key={n}>
          {i > 0 && n - numbers[i - 1] > 1 && <span className="gap">…</span>}
          <Link href={address(n)} aria-current={n === page ? 'page' : undefined}>{n}</Link>
        </span>
      ))}
      {page < pages && <Link href={address(page + 1)} rel="next">下一页 ›</Link>}
    </nav>
  );
}

// Ends before blanks, Chinese punctuation, and the marks that close a sentence.
const address = /(https?:\/\/[^\s<>"'\u3000-\u303f\uff00-\uffef]*[^\s<>"'\u3000-\u303f\uff00-\uffef.,;:!?)])/;

/** Paragraphs as they were written, with addresses made clickable. */
export function Prose({ text }: { text: string }) {
  const parts = text.split(address);
  return (
    <div className="prose">
      {parts.map((part, i) => (i % 2 === 1 ? <a key={i} href={part} rel="noopener noreferrer nofollow" target="_blank">{part}</a> : part))}
    </div>
  );
}

/** A labelled input with its message; `count` shows how much of `longest` is used. */
export function Field(props: {
  name: string; label: string; value: string; onChange: (value: string) => void; error?: string; hint?: string;
  type?: string; rows?: number; longest?: number; autoComplete?: string; autoFocus?: boolean; placeholder?: string;
}) {
  const { name, label, value, onChange, error, hint, rows, longest, type = 'text', ...rest } = props;
  const note = `${name}-note`;
  const shared = {
    id: name, name, value, ...rest, 'aria-invalid': error ? true : undefined, 'aria-describedby': note,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
  };
  const length = Array.from(value.trim()).length;
  return (
    <div className={error ? 'field wrong' : 'field'}>
      <label htmlFor={name}>{label}</label>
      {rows ? <textarea rows={rows} {...shared} /> : <input type={type} {...shared} />}
      <div className="note" id={note}>
        <span role={error ? 'alert' : undefined}>{error ?? hint}</span>
        {longest && length > longest * 0.8 && <span className={length > longest ? 'count over' : 'count'}>{length} / {longest}</span>}
      </div>
    </div>
  );
}

/** What a form needs while it is sent: whether it is under way, and what was wrong with it. */
export function useSubmit(send: () => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const submit = async (event: { preventDefault(): void }) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await send();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem : new ApiError(0, String(problem)));
    }
    setBusy(false);
  };
  return { busy, fields: error?.fields ?? {}, message: error && Object.keys(error.fields).length === 0 ? error.message : null, submit };
}

/** Data of the server, fetched again whenever `key` changes; what was shown stays until the new data is there. */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>) {
  const [state, setState] = useState<{ key: string; data?: T; error?: ApiError }>({ key: '' });
  const [attempt, setAttempt] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const abort = new AbortController();
    latest.current(abort.signal).then(
      (data) => abort.signal.aborted || setState({ key, data }),
      (problem) => abort.signal.aborted || setState({ key, error: problem instanceof ApiError ? problem : new ApiError(0, String(problem)) }),
    );
    return () => abort.abort();
  }, [key, attempt]);
  return { ...state, stale: state.key !== key, reload: () => setAttempt((n) => n + 1) };
}
