import { expect, onTestFinished, test } from 'vitest';
import { createBreaker } from '../../../../api/capacity/breaker.ts';
import { submitInGroups } from '../../../../api/submit/submit_batcher.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { followClock } from '../../../../store/database/server_clock.ts';
import type { Submission } from '../../../../store/submit/submit.ts';
import { type Answer, call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { type ProxiedConnection, startProxy } from '../../../support/network/proxy.ts';
import { startProcess, type TestProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';
import { expectAnsweredWhile, SUBMISSION } from '../../../support/witness.ts';

const { url, pool } = await createDatabase();

function submit(api: TestProcess, message: string): Promise<Answer> {
  return call(api.url, 'POST', '/v1/tasks/example.echo', { payload: { message } });
}

/** Submits in a transaction, as an application does by SQL, and leaves it open. */
async function submitAndHold(message: string): Promise<() => Promise<void>> {
  const client = await pool.connect();
  await client.query('begin');
  await client.query(`select errand.submit('example.echo', $1)`, [{ message }]);
  return async () => {
    await client.query('commit');
    client.release();
  };
}

async function waitsForLock(): Promise<boolean> {
  const { rows } = await pool.query(
    `select from pg_stat_activity
      where datname = current_database() and application_name = 'errand api' and wait_event_type = 'Lock'`,
  );
  return rows.length > 0;
}

async function count(message: string): Promise<number> {
  const { rowCount } = await pool.query(`select from errand.tasks where payload ->> 'message' = $1`, [
    message,
  ]);
  return rowCount ?? 0;
}

test('an application that submits in an open transaction keeps only the same submission waiting', async () => {
  const api = await startProcess('api/main.ts', url);
  await expectAnsweredWhile(api.url, SUBMISSION, async () => {
    const message = crypto.randomUUID();
    const commit = await submitAndHold(message);
    const same = [submit(api, message), submit(api, message)];
    await until('it waits', waitsForLock);
    return {
      end: async () => {
        await commit();
        for (const answer of await Promise.all(same)) expect(answer.status).toBe(200);
        expect(await count(message)).toBe(1);
      },
    };
  });
});

test('what is submitted together with something that waits for a lock is answered meanwhile', async () => {
  const api = await startProcess('api/main.ts', url, { DATABASE_POOL_SIZE: '2' });
  const held = Array.from({ length: 5 }, () => crypto.randomUUID());
  const commits: (() => Promise<void>)[] = [];
  for (const message of held) commits.push(await submitAndHold(message));
  const answered: string[] = [];
  const send = async (message: string): Promise<Answer> => {
    const answer = await submit(api, message);
    answered.push(message);
    return answer;
  };
  const waiting = held.map(send);
  const mates = await Promise.all(Array.from({ length: 20 }, () => send(crypto.randomUUID())));
  expect(mates.map(({ status }) => status)).toEqual(mates.map(() => 201));
  expect(held.filter((message) => answered.includes(message))).toEqual([]);
  for (const commit of commits) await commit();
  for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200);
});

test('a submission that waits for a lock until its time is up is 408', async () => {
  const api = await startProcess('api/main.ts', url, { REQUEST_TIMEOUT_SECS: '1' });
  const message = crypto.randomUUID();
  const commit = await submitAndHold(message);
  expect((await submit(api, message)).body.code).toBe('REQUEST_TIMEOUT');
  await commit();
  expect((await submit(api, message)).status).toBe(200);
});

const SILENCES: [string, (connection: ProxiedConnection) => void][] = [
  ['is swallowed on its way', (connection) => connection.blackHole()],
  ['is committed and its answer swallowed', (connection) => connection.swallowAnswers()],
  ['is committed and its answer lost in a reset', (connection) => connection.loseAnswer()],
];

test.each(SILENCES)('F7: a group that %s is submitted on another connection, once', async (_what, break_) => {
  const proxy = await startProxy(url);
  const { submitOne } = await groupsOver(proxy.url);
  let broken: ProxiedConnection | undefined;
  proxy.onSend = (connection) => {
    if (broken !== undefined || !connection.lastSent().includes('submit_new')) return;
    broken = connection;
    break_(connection);
  };
  const messages = Array.from({ length: 10 }, () => crypto.randomUUID());
  const submitted = messages.map((message) => submitOne(submissionOf(message)));
  await until('its connection is broken', () => broken);
  // Somebody else's goes by another connection meanwhile.
  expect((await submitOne(submissionOf(crypto.randomUUID()))).outcome).toBe('created');
  for (const { outcome } of await Promise.all(submitted)) expect(outcome).toBe('created');
  for (const message of messages) expect(await count(message)).toBe(1);
});

/** What an API submits by, once it knows the time of Postgres. */
async function groupsOver(databaseUrl: string) {
  const own = openPool({
    connectionString: databaseUrl,
    applicationName: 'errand api',
    size: 10,
    statementTimeoutMs: 30_000,
    onError: () => {},
  });
  const clock = followClock(own);
  onTestFinished(async () => {
    clock.close();
    await own.end();
  });
  await until('it knows the time', () => clock.now());
  const breaker = createBreaker(1_000);
  return { submitOne: submitInGroups({ pool: own, breaker, clock, poolSize: 10, requestTimeoutMs: 30_000 }) };
}

function submissionOf(message: string): Submission {
  return {
    ...{ name: 'example.echo', version: '1.0.0', payload: { message }, priority: 0, maxAttempts: 3 },
    ...{ runAt: null, delayMs: null, dedupWindowMs: null, tags: [], initiator: null, sourceSystem: null },
    ...{ reason: null, requestId: null, traceparent: null, dedup: { dedup: null, key: null } },
  };
}

test('F7: a silent connection is given up within seconds, and the statement on it is 503 and not 408', async () => {
  const proxy = await startProxy(url);
  const api = await startProcess('api/main.ts', proxy.url);
  proxy.onSend = (connection) => {
    if (connection.lastSent().includes('submit_batch')) connection.blackHole();
  };
  const items = [{ payload: { message: crypto.randomUUID() } }];
  const answer = await call(api.url, 'POST', '/v1/tasks/example.echo/batch', { items });
  expect(answer.body.code).toBe('SERVICE_UNAVAILABLE');
});
