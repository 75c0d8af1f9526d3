import { expect, test } from 'vitest';
import { createState, type StateHolder } from '../../../../api/capacity/state.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { type EventSource, openEvents } from '../../../support/network/event_source.ts';
import { closeGate, startOwnApi } from '../app.ts';
import { reader, setState, taskWithLines } from './streaming.ts';

const database = await createDatabase();
const { pool } = database;
const ID = '019c0000-0000-7000-8000-000000000000';

/** What an EventSource comes back after: a stream, in order to its end, that has nothing in it but when. */
async function expectComeBack(source: EventSource, retryMs: number, code = 'SERVICE_UNAVAILABLE') {
  expect(source.status).toBe(200);
  expect(source.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  expect(source.headers['cache-control']).toContain('no-store');
  expect(await source.closed).toBe(true);
  expect(source.events).toEqual([]);
  expect(source.comments.join()).toContain(code);
  expect(source.retryMs()).toBe(retryMs);
}

function emergency(state: StateHolder): void {
  state.started();
  state.toggleEmergency();
}

test.each([
  ['starting', 1_000, () => {}],
  ['draining', 1_000, (state: StateHolder) => state.drain()],
  ['emergency', 60_000, (state: StateHolder) => emergency(state)],
] as const)('a stream of a process that is %s is to come back', async (_state, retryMs, lead) => {
  const state = createState();
  lead(state);
  const api = await startOwnApi(pool, { state });
  for (const path of [`/v1/tasks/${ID}/events`, `/v1/tasks/${ID}/logs`]) {
    await expectComeBack(await reader(`${api.url}${path}`), retryMs);
    expect((await api.call('GET', path)).status).toBe(503);
    expect((await api.call('POST', path, {}, { accept: 'text/event-stream' })).status).toBe(503);
  }
});

test('so is one of too many requests, and one of too many streams', async () => {
  const config = testConfig({ MAX_STREAMS: '1', RATE_LIMIT_READS: '3' });
  const api = await startOwnApi(pool, { config });
  const id = await taskWithLines(pool, 1, { state: 'running' });
  const url = `${api.url}/v1/tasks/${id}/logs`;
  const first = await reader(url);
  await first.received(1);
  await expectComeBack(await reader(url), 1_000);
  expect((await reader(url)).status).toBe(200);
  const limited = await reader(url);
  const retryMs = Number(limited.headers['retry-after']) * 1_000;
  expect(retryMs).toBeGreaterThan(1_000);
  await expectComeBack(limited, retryMs, 'RATE_LIMITED');
});

test('so is one whose time is up, and one while Postgres is away', async () => {
  const away = openPool({
    connectionString: 'postgres://nobody@127.0.0.1:1/nowhere',
    applicationName: 'test away',
    size: 1,
    statementTimeoutMs: 20_000,
    onError: () => {},
  });
  const without = await startOwnApi(away);
  const codes = new Set<string>();
  for (let index = 0; index < 8; index++) {
    const source = await reader(`${without.url}/v1/tasks/${ID}/events`);
    expect(source.status).toBe(200);
    expect(await source.closed).toBe(true);
    codes.add(/^ ?(\w+)/.exec(source.comments.join())?.[1] ?? '');
  }
  expect([...codes]).toEqual(['SERVICE_UNAVAILABLE', 'CIRCUIT_OPEN']);
  await away.end();
  const api = await startOwnApi(pool, { config: testConfig({ REQUEST_TIMEOUT_SECS: '0.3' }) });
  const open = await closeGate(pool, 'access exclusive');
  await expectComeBack(await openEvents(`${api.url}/v1/tasks/${ID}/events`), 2_000, 'REQUEST_TIMEOUT');
  await open();
});

test('what is not only for now is answered as ever', async () => {
  const api = await startOwnApi(pool);
  expect((await reader(`${api.url}/v1/tasks/${ID}/events`)).status).toBe(404);
  expect((await reader(`${api.url}/v1/tasks/${ID}/logs?after=x`)).status).toBe(400);
});

test('whoever has been told of the end and comes back gets 204, for good', async () => {
  const api = await startOwnApi(pool);
  for (const lines of [0, 3]) {
    const id = await taskWithLines(pool, lines);
    for (const kind of ['logs', 'events']) {
      const url = `${api.url}/v1/tasks/${id}/${kind}`;
      const source = await reader(url);
      expect(await source.closed).toBe(true);
      const [end, before] = source.events.toReversed();
      expect(end?.event).toBe('end');
      expect((await reader(url, { 'last-event-id': end?.id ?? '' })).status).toBe(204);
      // Who has all but the end is told of that.
      const rest = await reader(url, before === undefined ? {} : { 'last-event-id': before.id ?? '' });
      expect(await rest.closed).toBe(true);
      expect(rest.events.map(({ event }) => event)).toEqual(['end']);
    }
  }
});

test('a task that was told to have ended, and runs again, is told of again', async () => {
  const api = await startOwnApi(pool);
  const id = await taskWithLines(pool, 2);
  for (const kind of ['logs', 'events']) {
    const url = `${api.url}/v1/tasks/${id}/${kind}`;
    const source = await reader(url);
    await source.closed;
    await setState(pool, id, 'running');
    const again = await reader(url, { 'last-event-id': source.events.at(-1)?.id ?? '' });
    expect(again.status).toBe(200);
    await setState(pool, id, 'succeeded');
    expect(await again.closed).toBe(true);
    expect(again.events.at(-1)?.event).toBe('end');
  }
});
