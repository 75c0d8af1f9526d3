import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';
import { reader, setState, taskWithLines } from '../streams/streaming.ts';
import { authenticator, claims, inSeconds, makePair, sign, TRUST } from './keys.ts';

const { pool } = await createDatabase();
const byWords = { authenticate: authenticateByWords };
const ANN = as('ann of example may read');
const TICKETS = '/v1/stream-tickets';

/** A ticket with other claims, signed as the API does it. */
async function forged(ticket: string, change: Record<string, unknown>): Promise<string> {
  const { rows } = await pool.query<{ key: Buffer }>('select key from errand.ticket_key');
  const claims = JSON.parse(Buffer.from(ticket.split('.')[0] ?? '', 'base64url').toString());
  const text = Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url');
  const key = rows[0]?.key ?? '';
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

test('a ticket opens its stream, at any process, as often as wanted', async () => {
  const [first, second] = [await startOwnApi(pool, byWords), await startOwnApi(pool, byWords)];
  const id = await taskWithLines(pool, 3, { state: 'running' });
  for (const kind of ['logs', 'events']) {
    const path = `/v1/tasks/${id}/${kind}`;
    const { status, body } = await first.call('POST', TICKETS, { path }, ANN);
    expect(status).toBe(200);
    const leftMs = Date.parse(body.expires_at) - Date.now();
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThan(120_000);
    for (const api of [first, second, second]) {
      const source = await reader(`${api.url}${path}?ticket=${body.ticket}`);
      expect(source.status).toBe(200);
      await source.received(1);
      source.close();
    }
    const logged = (): string => JSON.stringify([first.lines, second.lines]);
    await until('they are in the log', () => logged().split(`${path}?`).length === 4);
    expect(logged()).toContain(`${path}?[redacted]`);
    expect(logged()).not.toContain(body.ticket.split('.')[1]);
  }
});

test('it is for its path alone, for a minute, and to read', async () => {
  const api = await startOwnApi(pool, byWords);
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const other = await taskWithLines(pool, 1, { state: 'running' });
  const path = `/v1/tasks/${id}/events`;
  const { body } = await api.call('POST', TICKETS, { path }, ANN);
  const { ticket } = body;
  const refused = { status: 401, code: 'UNAUTHORIZED' };
  for (const elsewhere of [
    `/v1/tasks/${id}/logs`,
    `/v1/tasks/${other}/events`,
    `/v1/tasks/${id}`,
    '/v1/tasks',
  ]) {
    expectError(await api.call('GET', `${elsewhere}?ticket=${ticket}`), refused);
  }
  const over = await forged(ticket, { untilMs: Date.now() - 1_000 });
  expect((await reader(`${api.url}${path}?ticket=${await forged(ticket, {})}`)).status).toBe(200);
  const [text, signature] = ticket.split('.');
  for (const bad of [over, `${text}.${signature.slice(1)}A`, `x${ticket}`, 'x', `${'a'.repeat(4_096)}.x`]) {
    expect((await reader(`${api.url}${path}?ticket=${bad}`)).status).toBe(401);
  }
  expectError(await api.call('GET', `${path}?ticket=${ticket}`, undefined, ANN), refused);
});

test('whoever may not read a task gets no ticket for it', async () => {
  const api = await startOwnApi(pool, byWords);
  const { id } = await submitOne(pool, { name: 'secret.one', payload: {} });
  const path = `/v1/tasks/${id}/events`;
  const ask = (headers: Record<string, string>) => api.call('POST', TICKETS, { path }, headers);
  expectError(await ask({}), { status: 401, code: 'UNAUTHORIZED' });
  expectError(await ask(as('ann of secret may submit')), { status: 403, code: 'FORBIDDEN' });
  expectError(await ask(ANN), { status: 404, code: 'NOT_FOUND' });
  for (const bad of ['/v1/tasks', `${path}?x=1`, `/v1/tasks/${id}`, 7]) {
    expectError(await api.call('POST', TICKETS, { path: bad }, ANN), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: 'some',
    });
  }
});

test('a stream with a ticket ends with the credentials that the ticket was given for', async () => {
  const pair = makePair();
  const authenticate = await authenticator({ ...TRUST, JWT_PUBLIC_KEY: pair.pem });
  const api = await startOwnApi(pool, { authenticate });
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const token = await sign(pair.privateKey, claims({ exp: inSeconds(3), worker_namespaces: '*' }));
  const path = `/v1/tasks/${id}/logs`;
  const { body } = await api.call('POST', TICKETS, { path }, { authorization: `Bearer ${token}` });
  const source = await reader(`${api.url}${path}?ticket=${body.ticket}`);
  expect(source.status).toBe(200);
  expect(await source.closed).toBe(true);
  expect(source.events.some(({ event }) => event === 'end')).toBe(false);
});

test('where nobody has to say who they are, tickets work all the same', async () => {
  const api = await startOwnApi(pool);
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const path = `/v1/tasks/${id}/logs`;
  const { body } = await api.call('POST', TICKETS, { path });
  const source = await reader(`${api.url}${path}?ticket=${body.ticket}&last_event_id=1`);
  await setState(pool, id, 'succeeded');
  expect(await source.closed).toBe(true);
  expect(source.events.map(({ event }) => event)).toEqual(['end']);
});
