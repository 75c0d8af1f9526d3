import { createConnection } from 'node:net';
import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { counts } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const BODY = '{"payload":{"message":"a"}}';
const HEAD = 'POST /v1/tasks/example.echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';

/** Sends bytes as they are, says that there will be no more if asked to, and reads until the other end closes. */
function send(bytes: string, andEnd = false): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(api.url).port) });
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    if (andEnd) socket.end(bytes, 'latin1');
    else socket.write(bytes, 'latin1');
  });
}

test.each([
  ['NUL in a header', `${HEAD}idempotency-key: a\0b\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`, 400],
  [
    'a line break in a header',
    `${HEAD}idempotency-key: a\nb c\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`,
    400,
  ],
  ['20 KB of headers', `${HEAD}x-long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['20 KB of path', `GET /v1/tasks/${'x'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`, 431],
  ['a method that there is not', 'NONSENSE /v1/tasks HTTP/1.1\r\nhost: localhost\r\n\r\n', 400],
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['two lengths', `${HEAD}content-length: 5\r\ncontent-length: 27\r\n\r\n${BODY}`, 400],
  ['a length and chunks', `${HEAD}content-length: 27\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['a length that is none', `${HEAD}content-length: many\r\n\r\n${BODY}`, 400],
])('%s is refused, and the next request is served', async (_name, bytes, status) => {
  const before = await counts(pool);
  expect(await send(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(await counts(pool)).toEqual(before);
  expect((await api.call('GET', '/v1/tasks')).status).toBe(200);
});

test('F12: a body that breaks off leaves nothing behind', async () => {
  const before = await counts(pool);
  await send(`${HEAD}content-length: 1000\r\n\r\n${BODY}`, true);
  await send(`${HEAD}transfer-encoding: chunked\r\n\r\n1b\r\n${BODY}\r\n`, true);
  expect(await counts(pool)).toEqual(before);
  expect((await api.call('GET', '/v1/tasks')).status).toBe(200);
});

test('a key in Latin-1, which clients write in different ways, is refused and stores nothing', async () => {
  const answer = await send(
    `${HEAD}idempotency-key: caf\xe9\r\ncontent-length: ${BODY.length}\r\nconnection: close\r\n\r\n${BODY}`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('send it as dedup_key in the body');
  const { rows } = await pool.query('select dedup_key from errand.tasks');
  expect(rows).toEqual([]);
});
