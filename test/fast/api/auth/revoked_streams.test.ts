import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { createAuthenticate } from '../../../../api/auth/authenticate.ts';
import { parseConfig } from '../../../../config/load.ts';
import { removeScratch, scratchFolder } from '../../../support/checkout/scratch.ts';
import { createDatabase } from '../../../support/database.ts';
import { openSocket } from '../../../support/network/web_socket.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';
import { expectError } from '../ledger.ts';
import { addLines, reader, setState, taskWithLines } from '../streams/streaming.ts';
import { claims, makeKey, makePair, sign, TRUST } from './keys.ts';

// Whoever has opened a stream hears nothing more once its credentials are revoked.

const { pool } = await createDatabase();
const folder = scratchFolder(0o700);
const stopping = new AbortController();
afterAll(() => {
  stopping.abort();
  removeScratch(folder);
});
const ALL = { namespaces: ['*'], scopes: ['read'] };
const pair = makePair();
let files = 0;

async function withFile(content: unknown) {
  const path = join(folder, `keys-${++files}.json`);
  const write = (next: unknown): void => {
    writeFileSync(`${path}.new`, JSON.stringify(next));
    renameSync(`${path}.new`, path);
  };
  write(content);
  const config = parseConfig({ ...TRUST, API_KEYS_FILE: path, JWT_PUBLIC_KEY: pair.pem });
  const watching = { log: pino({ level: 'silent' }), stopping: stopping.signal };
  const api = await startOwnApi(pool, { authenticate: await createAuthenticate(config, watching) });
  return { api, write };
}

/** Everything that can be open with these credentials: two streams, one of them by a ticket, and a WebSocket. */
async function openAll(url: string, headers: Record<string, string>) {
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const path = `/v1/tasks/${id}/logs`;
  const asked = await fetch(`${url}/v1/stream-tickets`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ path }),
  });
  const byTicket = `${path}?ticket=${((await asked.json()) as { ticket: string }).ticket}`;
  const streams = [await reader(`${url}${path}`, headers), await reader(`${url}${byTicket}`)];
  for (const stream of streams) await stream.received(1);
  const socket = await openSocket(url, { headers });
  await socket.ask({ type: 'subscribe', task: id });
  return { id, path, byTicket, streams, socket };
}

const ci = makeKey('ci', ALL);
const bot = makeKey('bot', ALL);
const renewed = makeKey('ci', ALL);

test.each<[string, { keys?: unknown[]; revoked?: object }, () => Promise<Record<string, string>>]>([
  ['whose key is taken out of the file', { keys: [bot.entry] }, async () => ({ 'x-api-key': ci.key })],
  [
    'whose key is renewed under its id',
    { keys: [bot.entry, renewed.entry] },
    async () => ({ 'x-api-key': ci.key }),
  ],
  [
    'whose subject is revoked',
    { keys: [bot.entry], revoked: { subjects: ['alice'] } },
    async () => ({
      authorization: `Bearer ${await sign(pair.privateKey, claims({ worker_namespaces: '*' }))}`,
    }),
  ],
  [
    'whose token is revoked',
    { keys: [bot.entry], revoked: { tokens: ['lost'] } },
    async () => ({
      authorization: `Bearer ${await sign(pair.privateKey, claims({ jti: 'lost', worker_namespaces: '*' }))}`,
    }),
  ],
])("the streams of somebody %s end, and nobody else's do", async (_who, next, headersOf) => {
  const { api, write } = await withFile({ keys: [ci.entry, bot.entry] });
  const headers = await headersOf();
  const revoked = await openAll(api.url, headers);
  const others = await openAll(api.url, { 'x-api-key': bot.key });
  write(next);
  // As a broken connection, not as the end of the task: an EventSource comes back and is refused.
  for (const stream of revoked.streams) {
    await until('it is closed', stream.isClosed);
    expect(await stream.closed).toBe(true);
  }
  expect(await revoked.socket.closed).toEqual([4401, 'these credentials are no longer valid']);
  expectError(await api.call('GET', revoked.path, undefined, { accept: 'text/event-stream', ...headers }), {
    status: 401,
    code: 'UNAUTHORIZED',
  });
  expectError(await api.call('GET', revoked.byTicket, undefined, { accept: 'text/event-stream' }), {
    status: 401,
    code: 'UNAUTHORIZED',
  });
  expect(revoked.streams.flatMap(({ events }) => events.map(({ event }) => event))).not.toContain('end');
  await addLines(pool, others.id, 2, 2);
  await setState(pool, others.id, 'succeeded');
  for (const stream of others.streams) await stream.received(3);
  await others.socket.changes(1);
});
