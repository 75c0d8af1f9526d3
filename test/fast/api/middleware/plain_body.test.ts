import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';

const { pool } = await createDatabase();
const BODY = JSON.stringify({ payload: { message: 'ä'.repeat(10) } });

/** Sends the head of a submission whose body has the length of BODY, and the first bytes of that body. */
async function startSubmission(url: string, bytes: number): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.setEncoding('utf8');
  socket.write(
    [
      'POST /v1/tasks/example.echo HTTP/1.1',
      'Host: localhost',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(BODY)}`,
      '',
      '',
    ].join('\r\n'),
  );
  socket.write(Buffer.from(BODY).subarray(0, bytes));
  await once(socket, 'connect');
  return socket;
}

test('a body may come in pieces, even of one character', async () => {
  const { url } = await startOwnApi(pool);
  const at = Buffer.from(BODY).indexOf(Buffer.from('ä')) + 1;
  const socket = await startSubmission(url, at);
  // The API has the first piece when it has answered another request.
  await fetch(`${url}/v1/handlers`);
  socket.write(Buffer.from(BODY).subarray(at));
  const [answer] = await once(socket, 'data');
  expect(answer).toMatch(/^HTTP\/1\.1 201 /);
  expect(answer).toContain('ä'.repeat(10));
  socket.destroy();
});

test('a body that breaks off submits nothing, is in the log, and keeps no place', async () => {
  const before = await countTasks();
  const { url, lines, call } = await startOwnApi(pool);
  const socket = await startSubmission(url, 10);
  await fetch(`${url}/v1/handlers`);
  socket.destroy();
  const line = await until('the request is in the log', () =>
    lines.find(({ msg }) => msg === 'request aborted'),
  );
  expect(line).toMatchObject({ req: { method: 'POST', url: '/v1/tasks/example.echo' }, actor: 'anonymous' });
  expect(await countTasks()).toBe(before);
  const { body } = await call('GET', '/health/detailed');
  // The request that asks is not counted.
  expect(body.requests_in_flight).toBe(0);
});

async function countTasks(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*) from errand.tasks');
  return rows[0]?.count ?? Number.NaN;
}
