import { FormEvent, StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { api, User } from './api';
import { NewTopic, SignIn, TopicList, TopicPage } from './pages';
import { Avatar, Empty } from './parts';
import { Link, navigate, useAddress } from './router';
import './style.css';

function Logo() {
  return (
    <svg width="30" height="30" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" fill="var(--brand)" />
      <path d="M16 6v20M9 19c0 4 3 7 7 7s7-3 7-7M11 12h10" stroke="white" strokeWidth="2.6" fill="none" strokeLinecap="round" />
    </svg>
  );
}

function SearchBox({ words }: { words: string }) {
  const [value, setValue] = useState(words);
  const [shown, setShown] = useState(words);
  if (shown !== words) { // while rendering, not in an effect: that could come after the first letters and take them away
    setShown(words);
    setValue(words);
  }
  const search = (event: FormEvent) => {
    event.preventDefault();
    navigate(value.trim() ? `/?q=${encodeURIComponent(value.trim())}` : '/');
  };
  return (
    <form className="search" role="search" onSubmit={search}>
      <input type="search" name="q" aria-label="搜索话题和回复" placeholder="搜索话题和回复" value={value} onChange={(event) => setValue(event.target.value)} />
      <button aria-label="搜索">🔍</button>
    </form>
  );
}

function pageNumber(address: URL): number {
  const page = Number(address.searchParams.get('page') ?? 1);
  return Number.isInteger(page) && page >= 1 && page <= 100_000 ? page : 1;
}

/** Where to go after signing in: a path of this site and nothing else. */
function nextOf(address: URL): string {
  const next = address.searchParams.get('next') ?? '/';
  return /^\/(?![/\\])/.test(next) ? next : '/';
}

function Page({ address, user, onUser }: { address: URL; user: User | null; onUser: (user: User) => void }) {
  const topic = /^\/topics\/(\d{1,9})$/.exec(address.pathname);
  if (address.pathname === '/') return <TopicList words={address.searchParams.get('q') ?? ''} page={pageNumber(address)} user={user} />;
  if (topic) return <TopicPage key={topic[1]} id={Number(topic[1])} page={pageNumber(address)} user={user} />;
  if (address.pathname === '/login' || (address.pathname === '/new' && !user)) {
    return <SignIn key="login" kind="login" next={address.pathname === '/new' ? '/new' : nextOf(address)} onUser={onUser} />;
  }
  if (address.pathname === '/register') return <SignIn key="register" kind="register" next={nextOf(address)} onUser={onUser} />;
  if (address.pathname === '/new') return <NewTopic />;
  return <Empty picture="🧭" title="找不到这个页面"><Link href="/">回到首页</Link></Empty>;
}

function App() {
  const address = useAddress();
  const [user, setUser] = useState<User | null | undefined>(undefined);
  useEffect(() => {
    api.me().then((answer) => setUser(answer.user), () => setUser(null));
  }, []);
  const logout = async () => {
    await api.logout();
    setUser(null);
    navigate('/');
  };
  return (
    <>
      <header className="top">
        <div className="bar-inner">
          <Link href="/" className="brand"><Logo /><span>泊岸<small>论坛</small></span></Link>
          <SearchBox words={address.searchParams.get('q') ?? ''} />
          <nav className="account">
            {user && <><span className="me"><Avatar name={user.name} size={32} /><span className="me-name">{user.name}</span></span><button type="button" className="link" onClick={logout}>退出</button></>}
            {user === null && <><Link href="/login">登录</Link><Link href="/register" className="button small">注册</Link></>}
          </nav>
        </div>
      </header>
      <main>{user !== undefined && <Page address={address} user={user} onUser={setUser} />}</main>
      <footer className="foot">泊岸论坛 · 停一停，聊一聊 ⛵ · 时间均为北京时间</footer>
    </>
  );
}

createRoot(document.getElementById('root')!).render(<StrictMode><App /></StrictMode>);
