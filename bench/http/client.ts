import { Pool } from 'undici';

/** A client of one server, with kept connections. */
export type Client = {
  /** Sends JSON and gives the body of the answer. Throws if the answer has another status. */
  post(path: string, body: unknown, status: number): Promise<string>;
  /** Sends JSON if there is a body. Throws if the answer is neither 200 nor 201. */
  put(path: string, body?: unknown): Promise<string>;
  get(path: string): Promise<string>;
  close(): Promise<void>;
};

const KEEP_ALIVE_MS = 60_000;

/** Opens at most so many connections to the server at this URL, each with one request at a time. */
export function openClient(base: string, connections: number): Client {
  const pool = new Pool(base, { connections, pipelining: 1, keepAliveTimeout: KEEP_ALIVE_MS });
  const textOf = async (
    what: string,
    { statusCode, body }: Awaited<ReturnType<typeof pool.request>>,
    ...statuses: number[]
  ): Promise<string> => {
    const text = await body.text();
    if (!statuses.includes(statusCode)) throw new Error(`${what} answered ${statusCode}: ${text}`);
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
    async put(path, body) {
      const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const answer = await pool.request({ path, method: 'PUT', ...(body === undefined ? {} : json) });
      return textOf(`PUT ${path}`, answer, 200, 201);
    },
    async get(path) {
      return textOf(`GET ${path}`, await pool.request({ path, method: 'GET' }), 200);
    },
    close: () => pool.close(),
  };
}

/**
 * Does some work `times` times in `loops` parallel loops. Each loop waits for one end before the
 * next start.
 */
export async function inLoops(loops: number, times: number, work: () => Promise<unknown>): Promise<void> {
  let remaining = times;
  const loop = async (): Promise<void> => {
    while (remaining-- > 0) await work();
  };
  await Promise.all(Array.from({ length: loops }, loop));
}
