import { useEffect, useState } from 'react';
import { api, Reply, TopicSummary, User } from './api';
import { Avatar, Empty, Failure, Field, Pager, Prose, Skeleton, Time, useLoaded, useSubmit } from './parts';
import { Link, navigate } from './router';

function useTitle(title?: string) {
  useEffect(() => {
    document.title = title ? `${title} · 泊岸论坛` : '泊岸论坛';
  }, [title]);
}

function listAddress(words: string, page: number): string {
  const query = new URLSearchParams();
  if (words) query.set('q', words);
  if (page > 1) query.set('page', String(page));
  return query.size ? `/?${query}` : '/';
}

/** The text with every occurrence of the searched words marked. */
function Marked({ text, words }: { text: string; words: string }) {
  if (!words) return <>{text}</>;
  const escaped = words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return <>{text.split(new RegExp(`(${escaped})`, 'i')).map((part, i) => (i % 2 ? <mark key={i}>{part}</mark> : part))}</>;
}

function TopicRow({ topic, words }: { topic: TopicSummary; words: string }) {
  return (
    <article className="row topic">
      <Avatar name={topic.author} size={44} />
      <div className="row-text">
        <h2><Link href={`/topics/${topic.id}`}><Marked text={topic.title} words={words} /></Link></h2>
        <p className="excerpt"><Marked text={topic.excerpt} words={words} /></p>
        <p className="meta">
          <b>{topic.author}</b><span>发表于 <Time value={topic.createdAt} /></span>
          {topic.replies > 0 && <span>最后回复 <Time value={topic.activeAt} short /></span>}
        </p>
      </div>
      <span className={topic.replies ? 'bubble' : 'bubble quiet'} title={`${topic.replies} 条回复`}>💬 {topic.replies}</span>
    </article>
  );
}

export function TopicList({ words, page, user }: { words: string; page: number; user: User | null }) {
  useTitle(words ? `搜索「${words}」` : undefined);
  const { data, error, stale, reload } = useLoaded(listAddress(words, page), (signal) => api.topics(page, words, signal));
  if (error && !stale) return <Failure error={error} retry={reload} />;
  if (!data) return <Skeleton rows={6} />;
  return (
    <>
      <header className="page-head">
        <div>
          <h1>{words ? <>搜索「{words}」</> : '全部话题'}</h1>
          <p className="meta">{words ? `找到 ${data.total} 个话题` : `共 ${data.total} 个话题，按最新动态排列`}</p>
        </div>
        {words ? <Link className="button plain" href="/">清除搜索</Link> : <Link className="button" href={user ? '/new' : '/login?next=/new'}>✏️ 发表话题</Link>}
      </header>
      {data.items.length > 0 ? (
        <section className={stale ? 'card list stale' : 'card list'}>
          {data.items.map((topic) => <TopicRow key={topic.id} topic={topic} words={words} />)}
        </section>
      ) : words ? (
        <Empty picture="🔍" title="没有找到相关话题">换个关键词试试，或者<Link href="/new">自己发表一个</Link>。</Empty>
      ) : page > 1 ? (
        <Empty picture="🍃" title="这一页是空的"><Link href="/">回到第一页</Link></Empty>
      ) : (
        <Empty picture="⚓" title="这里还没有话题">成为第一个靠岸的人，<Link href={user ? '/new' : '/register?next=/new'}>写下第一个话题</Link>。</Empty>
      )}
      <Pager page={data.page} pages={data.pages} address={(n) => listAddress(words, n)} />
    </>
  );
}

function Post({ author, time, body, label }: { author: string; time: string; body: string; label: string }) {
  return (
    <article className="post card">
      <header>
        <Avatar name={author} />
        <div><b>{author}</b><p className="meta"><Time value={time} /></p></div>
        <span className="floor">{label}</span>
      </header>
      <Prose text={body} />
    </article>
  );
}

const repliesPerPage = 10;

export function TopicPage({ id, page, user }: { id: number; page: number; user: User | null }) {
  const { data, error, stale, reload } = useLoaded(`${id}/${page}`, (signal) => api.topic(id, page, signal));
  useTitle(data?.title);
  const [body, setBody] = useState('');
  const form = useSubmit(async () => {
    const written = await api.reply(id, body);
    setBody('');
    if (written.page !== page) navigate(`/topics/${id}?page=${written.page}`);
    else reload();
  });
  if (error && !stale) return <Failure error={error} retry={reload} />;
  if (!data) return <Skeleton rows={3} />;
  return (
    <>
      <p className="crumbs"><Link href="/">← 全部话题</Link></p>
      <h1 className="topic-title">{data.title}</h1>
      {page === 1 && <Post author={data.author} time={data.createdAt} body={data.body} label="楼主" />}
      <h2 className="section">{data.thread.total > 0 ? `${data.thread.total} 条回复` : '还没有回复，来说两句吧'}</h2>
      <section className="thread">
        {data.thread.items.map((reply: Reply, i) => (
          <Post key={reply.id} author={reply.author} time={reply.createdAt} body={reply.body} label={`#${(data.thread.page - 1) * repliesPerPage + i + 1}`} />
        ))}
      </section>
      <Pager page={data.thread.page} pages={data.thread.pages} address={(n) => `/topics/${id}${n > 1 ? `?page=${n}` : ''}`} />
      {user ? (
        <form className="card form" onSubmit={form.submit}>
          <Field name="reply" label="回复" value={body} onChange={setBody} rows={4} longest={10_000} error={form.fields.body} placeholder="友善地说点什么…… 😊" />
          {form.message && <p className="alert" role="alert">{form.message}</p>}
          <div className="actions"><button className="button" disabled={form.busy}>{form.busy ? '正在发送……' : '发表回复'}</button></div>
        </form>
      ) : (
        <p className="card invite"><Link href={`/login?next=/topics/${id}`}>登录</Link>或<Link href={`/register?next=/topics/${id}`}>注册</Link>后就可以回复。</p>
      )}
    </>
  );
}

export function NewTopic() {
  useTitle('发表话题');
  const [title, setTitle] = useState('');
  const [body, setBody] = useState('');
  const form = useSubmit(async () => navigate(`/topics/${(await api.write(title, body)).id}`));
  return (
    <form className="card form wide" onSubmit={form.submit} noValidate>
      <h1>发表话题</h1>
      <Field name="title" label="标题" value={title} onChange={setTitle} longest={100} error={form.fields.title} placeholder="一句话说清楚你想聊什么" autoFocus />
      <Field name="body" label="内容" value={body} onChange={setBody} rows={10} longest={20_000} error={form.fields.body} placeholder="支持换行、链接和 emoji 🎉" />
      {form.message && <p className="alert" role="alert">{form.message}</p>}
      <div className="actions"><Link className="button plain" href="/">取消</Link><button className="button" disabled={form.busy}>{form.busy ? '正在发表……' : '发表'}</button></div>
    </form>
  );
}

/** Logging in and registering; afterwards the reader is where they wanted to go. */
export function SignIn({ kind, next, onUser }: { kind: 'login' | 'register'; next: string; onUser: (user: User) => void }) {
  const registers = kind === 'register';
  useTitle(registers ? '注册' : '登录');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const form = useSubmit(async () => {
    const { user } = await api[kind](name, password);
    onUser(user);
    navigate(next, { replace: true });
  });
  const query = next === '/' ? '' : `?next=${encodeURIComponent(next)}`;
  return (
    <form className="card form narrow" onSubmit={form.submit} noValidate>
      <h1>{registers ? '加入泊岸 👋' : '欢迎回来 👋'}</h1>
      <Field name="name" label="用户名" value={name} onChange={setName} error={form.fields.name} autoComplete="username" autoFocus
        hint={registers ? '2–20 个字，中文也可以' : undefined} />
      <Field name="password" label="密码" type="password" value={password} onChange={setPassword} error={form.fields.password}
        autoComplete={registers ? 'new-password' : 'current-password'} hint={registers ? '至少 8 个字符' : undefined} />
      {form.message && <p className="alert" role="alert">{form.message}</p>}
      <button className="button block" disabled={form.busy}>{form.busy ? '请稍候……' : registers ? '注册并登录' : '登录'}</button>
      <p className="meta center">{registers ? <>已经有账号？<Link href={`/login${query}`}>登录</Link></> : <>还没有账号？<Link href={`/register${query}`}>注册一个</Link></>}</p>
    </form>
  );
}
