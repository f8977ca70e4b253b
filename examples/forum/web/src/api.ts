export interface User { id: number; name: string; createdAt: string }

export interface Paged<T> { items: T[]; page: number; pages: number; total: number }

export interface TopicSummary {
  id: number; title: string; excerpt: string; author: string; replies: number; createdAt: string; activeAt: string;
}

export interface Reply { id: number; author: string; body: string; createdAt: string }

export interface Topic extends TopicSummary { body: string; thread: Paged<Reply> }

/** An answer of the API that is not a success; `fields` has a message for each input at fault. */
export class ApiError extends Error {
  constructor(readonly status: number, message: string, readonly fields: Record<string, string> = {}) {
    super(message);
  }
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      signal,
      headers: method === 'GET' ? {} : { 'Content-Type': 'application/json' },
      body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, '网络不通，请检查连接后重试。');
  }
  const answer = await response.json().catch((error) => {
    if (signal?.aborted) throw error;
    if (response.ok) throw new ApiError(0, '服务器的回答没有收全，请重试。');
    return {};
  });
  if (!response.ok) {
    throw new ApiError(response.status, answer.message ?? `服务器返回了错误（${response.status}）。`, answer.fields);
  }
  return answer as T;
}

export const api = {
  me: () => call<{ user: User | null }>('GET', '/me'),
  register: (name: string, password: string) => call<{ user: User }>('POST', '/register', { name, password }),
  login: (name: string, password: string) => call<{ user: User }>('POST', '/login', { name, password }),
  logout: () => call<{ user: null }>('POST', '/logout'),
  topics: (page: number, words: string, signal: AbortSignal) =>
    call<Paged<TopicSummary>>('GET', `/topics?page=${page}${words ? `&q=${encodeURIComponent(words)}` : ''}`, undefined, signal),
  topic: (id: number, page: number, signal: AbortSignal) => call<Topic>('GET', `/topics/${id}?page=${page}`, undefined, signal),
  write: (title: string, body: string) => call<{ id: number }>('POST', '/topics', { title, body }),
  reply: (id: number, body: string) => call<{ id: number; page: number }>('POST', `/topics/${id}/replies`, { body }),
};
