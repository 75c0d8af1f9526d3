import { describe, expect, test } from 'vitest';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess, type TestProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';
import { expectAnsweredWhile, type Question, SUBMISSION } from '../../../support/witness.ts';

const { url, pool } = await createDatabase();
/** Another client than the one that does harm, who comes from 127.0.0.1. */
const from = '127.0.0.2';
/** Of the API's processes, which ask more of the database than it can do. */
const POOLS = { DATABASE_POOL_SIZE: '5', DATABASE_READ_POOL_SIZE: '4' };
const api = await startProcess('api/main.ts', url, POOLS);

/** What keeps statements waiting: others do not finish before it ends. */
async function hold(...statements: [text: string, values?: unknown[]][]): Promise<() => Promise<void>> {
  const client = await pool.connect();
  await client.query('begin');
  for (const [text, values] of statements) await client.query(text, values);
  return async () => {
    await client.query('commit');
    client.release();
  };
}

async function waiting(application: string): Promise<number> {
  const { rowCount } = await pool.query(
    `select from pg_stat_activity
      where datname = current_database() and application_name = $1 and wait_event_type = 'Lock'`,
    [application],
  );
  return rowCount ?? 0;
}

describe('forty reads of one client that go through much and do not end', () => {
  const QUESTIONS: [string, Question][] = [
    ['a small read', { from }],
    ['a read that may cost as much', { from, path: '/v1/errors' }],
    ['a submission', { ...SUBMISSION, from }],
  ];
  test.each(QUESTIONS)('do not keep another client from %s', async (_what, question) => {
    await expectAnsweredWhile(api.url, question, async () => {
      const release = await hold(['lock table errand.rollups in access exclusive mode']);
      // Those that ask for the same share one read.
      const asked = Array.from({ length: 40 }, (_none, number) =>
        call(api.url, 'GET', `/v1/tasks/stats?window_minutes=${60 + number}`),
      );
      await until('one has its turn', async () => (await waiting('errand api reads')) === 1);
      return {
        end: async () => {
          await release();
          const answers = await Promise.all(asked);
          const refused = answers.filter(({ status }) => status === 429);
          expect(refused.length).toBeGreaterThan(0);
          expect(refused[0]?.headers.get('retry-after')).toBe('1');
          expect(refused[0]?.body.code).toBe('RATE_LIMITED');
        },
      };
    });
    expect((await call(api.url, 'GET', '/ready')).status).toBe(200);
  });
});

test('a read that goes through too much is stopped, long before the time of a request is over', async () => {
  const patient = await startProcess('api/main.ts', url, { ...POOLS, REQUEST_TIMEOUT_SECS: '3600' });
  const release = await hold(['lock table errand.rollups in access exclusive mode']);
  expect((await call(patient.url, 'GET', '/v1/tasks/stats')).status).toBe(408);
  await until('it is stopped in Postgres', async () => (await waiting('errand api reads')) === 0);
  await release();
});

describe('batches and operations of one client that wait for a lock', () => {
  const batch = (message: string) => ({ items: [{ payload: { message } }] });
  const QUESTIONS: [string, Question][] = [
    ['submission', { ...SUBMISSION, from }],
    [
      'batch',
      { ...SUBMISSION, from, path: '/v1/tasks/example.echo/batch', body: () => batch(crypto.randomUUID()) },
    ],
  ];
  const HARM: [string, (api: TestProcess, message: string, id: string) => Promise<unknown>][] = [
    ['batches', (api, message) => call(api.url, 'POST', '/v1/tasks/example.echo/batch', batch(message))],
    ['cancellations', (api, _message, id) => call(api.url, 'DELETE', `/v1/tasks/${id}`)],
  ];
  const cases = HARM.flatMap(([what, harm]) =>
    QUESTIONS.map(([kind, question]) => [what, kind, harm, question] as const),
  );
  test.each(cases)('twenty %s keep no %s of another client waiting', async (_what, _kind, harm, question) => {
    await expectAnsweredWhile(api.url, question, async () => {
      const message = crypto.randomUUID();
      const { body } = await call(api.url, 'POST', '/v1/tasks/example.echo', { payload: { message } });
      const release = await hold(
        ['select from errand.tasks where id = $1 for update', [body.task.id]],
        ['update errand.tasks set priority = 1 where id = $1', [body.task.id]],
      );
      const asked = Array.from({ length: 20 }, () => harm(api, message, body.task.id));
      await until('one waits', async () => (await waiting('errand api')) > 0);
      return {
        end: async () => {
          await release();
          await Promise.all(asked);
        },
      };
    });
  });
});
