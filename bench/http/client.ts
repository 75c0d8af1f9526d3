import { Pool } from 'undici';

/** A caller of one server, whose connections are kept alive. */
export type Client = {
  /** Sends JSON and gives the body of the answer. Throws when the answer has another status. */
  post(path: string, body: unknown, status: number): Promise<string>;
  get(path: string): Promise<string>;
  close(): Promise<void>;
};

const KEEP_ALIVE_MS = 60_000;

/** Connections to a server at this URL, at most so many, each with one request at a time. */
export function openClient(base: string, connections: number): Client {
  const pool = new Pool(base, { connections, pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS });
  const textOf = async (
    what: string,
    { statusCode, body }: Awaited<ReturnType<typeof pool.request>>,
    status: number,
  ): Promise<string> => {
    const text = await body.text();
    if (statusCode !== status) throw new Error(`${what} answered ${statusCode}: ${text}`);
    return text;
  };
  return {
    async post(path, body, status) {
      const answer = await pool.request({
        ...{ path, method: 'POST', headers: { 'content-type': 'application/json' } },
        body: JSON.stringify(body),
      });
      return textOf(`POST ${path}`, answer, status);
    },
    async get(path) {
      return textOf(`GET ${path}`, await pool.request({ path, method: 'GET' }), 200);
    },
    close: () => pool.close(),
  };
}

/** Does a piece of work so many times, by so many loops of which each waits for the end of one before the next. */
export async function inLoops(loops: number, times: number, work: () => Promise<unknown>): Promise<void> {
  let left = times;
  const loop = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: loops }, loop));
}
