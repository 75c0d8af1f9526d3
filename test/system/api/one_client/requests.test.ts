import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type OwnApi, startOwnApi } from '../../../fast/api/app.ts';
import { expectError } from '../../../fast/api/ledger.ts';
import { as, authenticateByWords } from '../../../fast/api/principals.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { expectUnharmed, type Question, SUBMISSION } from '../../../support/witness.ts';

// One client takes all requests, long polls, streams or pages that it can get: another does not notice.

const { pool } = await createDatabase();
const WITNESS = as('wit of *');
const SUBMITS: Question = { ...SUBMISSION, headers: WITNESS };
const READS: Question = { headers: WITNESS };

async function waitingTask(api: OwnApi): Promise<string> {
  const options = { payload: { ms: 1 }, delay_seconds: 600, dedup: 'none' };
  const { body } = await api.call('POST', '/v1/tasks/example.sleep', options, as('ann of *'));
  return body.task.id;
}

async function inFlight(api: OwnApi, kind: 'requests_in_flight' | 'streams'): Promise<number> {
  const { text } = await api.call('GET', '/metrics');
  return Number(new RegExp(`errand_http_${kind}(?:\\{kind="event_stream"\\})? (\\d+)`).exec(text)?.[1]);
}

/** Each of these callers asks for the same so many times and keeps the connection until it is ended; gives the statuses. */
function holdOpen(api: OwnApi, path: string, callers: string[], times: number) {
  const leaving = new AbortController();
  const statuses: number[] = [];
  const asked = callers.flatMap((who) =>
    Array.from({ length: times }, async () => {
      const answer = await fetch(`${api.url}${path}`, { headers: as(who), signal: leaving.signal });
      statuses.push(answer.status);
    }),
  );
  const ended = Promise.allSettled(asked);
  return {
    statuses,
    async end() {
      leaving.abort();
      await ended;
    },
  };
}

test('two keys with all the long polls that they can get keep no other from submitting, reading or waiting', async () => {
  const config = testConfig({ MAX_REQUESTS_IN_FLIGHT: '100' });
  const api = await startOwnApi(pool, { config, authenticate: authenticateByWords });
  const waitFor = `/v1/tasks/${await waitingTask(api)}?wait=`;
  const inflict = async () => {
    const polls = holdOpen(api, `${waitFor}30`, ['ann of *', 'ben of *'], 101);
    // The first has three fifths of what may wait, the second as much of the rest.
    await until('they have what they can get', () => polls.statuses.length >= 202 - 75);
    expect(new Set(polls.statuses)).toEqual(new Set([429]));
    expect(await inFlight(api, 'requests_in_flight')).toBeGreaterThan(60);
    return polls;
  };
  // Of the 100, 75 are taken: half of what it may have.
  const atOnce = 10;
  await expectUnharmed(api.url, { ...SUBMITS, atOnce }, inflict);
  await expectUnharmed(api.url, { ...READS, atOnce }, inflict);
  const polls = await inflict();
  const waited = await api.call('GET', `${waitFor}0.01`, undefined, as('wit of *'));
  expect(waited.status).toBe(200);
  await polls.end();
  await until('all is given back', async () => (await inFlight(api, 'requests_in_flight')) === 0);
});

test('one key with all the streams that it can get leaves some to another, and gets them back', async () => {
  const config = testConfig({ MAX_STREAMS: '20' });
  const api = await startOwnApi(pool, { config, authenticate: authenticateByWords });
  const path = `/v1/tasks/${await waitingTask(api)}/events`;
  const inflict = async () => {
    const streams = holdOpen(api, path, ['ann of *'], 40);
    await until('it has what it can get', () => streams.statuses.length === 40);
    expect(streams.statuses.filter((status) => status === 200).length).toBe(16);
    expect(streams.statuses.filter((status) => status === 429).length).toBe(24);
    return streams;
  };
  await expectUnharmed(api.url, SUBMITS, inflict);
  await until('all is given back', async () => (await inFlight(api, 'streams')) === 0);
  const greedy = await inflict();
  const other = holdOpen(api, path, ['wit of *'], 1);
  await until('another has one', () => other.statuses.length === 1);
  expect(other.statuses).toEqual([200]);
  await Promise.all([greedy.end(), other.end()]);
});

test('who is over the share is told so, with when to try again', async () => {
  const config = testConfig({ MAX_REQUESTS_IN_FLIGHT: '10' });
  const api = await startOwnApi(pool, { config, authenticate: authenticateByWords });
  const path = `/v1/tasks/${await waitingTask(api)}?wait=30`;
  const polls = holdOpen(api, path, ['ann of *'], 12);
  await until('some are refused', () => polls.statuses.length > 3);
  const refused = await api.call('GET', path, undefined, as('ann of *'));
  expectError(refused, { status: 429, code: 'RATE_LIMITED' });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.body.error).toMatch(
    /^\d of 8 requests wait for their tasks for you, and the rest is reserved for other clients/,
  );
  await polls.end();
});

/** So many answers of a page's largest part are more than the buffers between two sockets hold. */
const PIPELINED = 8;

/** Asks for a path on so many connections of one address, several times on each, and reads nothing. */
async function readNothing(api: OwnApi, path: string, count: number, from: string): Promise<void> {
  const { hostname, port } = new URL(api.url);
  const sockets = Array.from({ length: count }, () =>
    connect({ host: hostname, port: Number(port), localAddress: from })
      .pause()
      .on('error', () => {}),
  );
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  for (const socket of sockets)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(PIPELINED));
  await until('all are connected', () => sockets.every((socket) => !socket.connecting));
  // Whoever asks now is answered after what they have asked for was begun.
  await api.call('GET', '/live');
}

const openConnections = (api: OwnApi): Promise<number> =>
  new Promise((resolve) => api.server.getConnections((_error, count) => resolve(count)));

test('an address that asks for pages and reads nothing harms nobody, and is cut', async () => {
  const config = testConfig({ MAX_REQUESTS_IN_FLIGHT: '40', REQUEST_TIMEOUT_SECS: '2' });
  const api = await startOwnApi(pool, { config });
  const inflict = async () => {
    await readNothing(api, '/docs/assets/swagger-ui-bundle.js', 60, '127.0.0.7');
    return {};
  };
  await expectUnharmed(api.url, { ...SUBMISSION, from: '127.0.0.8' }, inflict);
  await expectUnharmed(api.url, { path: '/docs', from: '127.0.0.8' }, inflict);
  await until('all of them are cut', async () => (await openConnections(api)) <= 1);
});
