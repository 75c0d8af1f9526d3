import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ErrorRecord } from '../../../../core/errors.ts';
import { type Outcome, type Recorded, recordOutcomes } from '../../../../store/attempts/outcomes.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import { reportRunning } from '../../../../store/attempts/running.ts';
import { isPlainSuccess, recordSuccesses } from '../../../../store/attempts/successes.ts';
import type { Submission } from '../../../../store/submit/submit.ts';
import { createDatabase } from '../../../support/database.ts';
import { countDispatches, submit, submitOne } from '../../../support/tasks.ts';
import { goodText, jsonOf } from '../../core/arbitraries.ts';

// What the lean statement does with successes is what the whole one does with them.

const { pool } = await createDatabase();
const runnerId = await register();

function register(): Promise<number> {
  const runner = { host: 'here', pid: 1, version: 'test', taskNames: ['t.x'], concurrency: 1, leaseSecs: 15 };
  return registerRunner(pool, runner);
}

const NOBODY = '00000000-0000-4000-8000-000000000000';
const error: ErrorRecord = {
  ...{ error_type: 'Error', message: 'no luck', error_code: null },
  ...{ retryable: true, metadata: null, stack: null },
};

type Success = Extract<Outcome, { kind: 'succeeded' }>;
type Way = (outcomes: Outcome[], runner?: number) => Promise<Recorded>;

function success(
  id: string,
  dispatchId: string,
  attempt = 1,
  result: string | null = '{"ok":true}',
): Success {
  const of = { id, dispatchId, name: 't.x', priority: 0, attempt, durationMs: 1_500 };
  return { ...of, parentId: null, hasChildren: false, lines: [], progress: null, kind: 'succeeded', result };
}

const lean: Way = (outcomes, runner = runnerId) => {
  if (!outcomes.every(isPlainSuccess)) throw new Error('these are not all plain');
  return recordSuccesses(pool, runner, outcomes);
};
/** Beside one that is not plain, and that there is no task for. */
const whole: Way = (outcomes, runner = runnerId) =>
  recordOutcomes(pool, runner, [...outcomes, { ...success(NOBODY, NOBODY), kind: 'cancelled', error }]);

/** What the ledger has of a task, but for what differs from one task to the next. Times are whole milliseconds since its end. */
async function ledger(id: string): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<{ task: Record<string, unknown> }>(
    `select to_jsonb(t) - array['id', 'dispatch_id', 'run_at', 'started_at', 'finished_at', 'cancel_requested_at', 'dedup_hash']
            || jsonb_build_object(
                 'has_dispatch', t.dispatch_id is not null,
                 'is_finished_now', t.finished_at > now() - interval '1 minute',
                 'took_ms', round(extract(epoch from t.finished_at - t.started_at) * 1000),
                 'result', t.result,
                 'has_result', t.result is not null,
                 'waited', t.run_at < t.started_at + interval '1 hour',
                 'is_to_be_cancelled', t.cancel_requested_at is not null,
                 'attempts', (select jsonb_agg(jsonb_build_array(a.attempt, a.outcome) order by a.attempt)
                                from errand.attempts a where a.task_id = t.id),
                 'lines', (select jsonb_agg(jsonb_build_array(l.seq, l.message) order by l.seq) from errand.logs l where l.task_id = t.id),
                 'told', (select jsonb_agg(c.payload -> 'body' ->> 'type') from errand.tasks c where c.callback_of = t.id)
               ) as task
       from errand.tasks t
      where t.id = $1`,
    [id],
  );
  if (rows[0] === undefined) throw new Error('the task is gone');
  return rows[0].task;
}

async function dispatchedTask(more: Partial<Submission> = {}): Promise<{ id: string; dispatchId: string }> {
  const { id } = await submitOne(pool, { name: 't.x', payload: {}, ...more });
  return { id, dispatchId: await dispatchOf(id) };
}

async function dispatchOf(id: string): Promise<string> {
  const { rows } = await pool.query<{ dispatchId: string }>(
    'select dispatch_id as "dispatchId" from errand.tasks where id = $1',
    [id],
  );
  return String(rows[0]?.dispatchId);
}

/** Shows it as running, with a line and how far it is. */
async function show({ id, dispatchId }: { id: string; dispatchId: string }): Promise<void> {
  const line = { level: 'info', message: 'begun', fields: null, at: new Date().toISOString() };
  const report = { id, dispatchId, attempt: 1, elapsedMs: 300, lines: [line] };
  await reportRunning(pool, runnerId, [{ ...report, progress: { fraction: 0.5, note: 'half' } }]);
}

/** Ways for a task to come to its outcome, each with the outcome. */
const ROADS: Record<string, () => Promise<Success>> = {
  'never shown as running': async () => {
    const { id, dispatchId } = await dispatchedTask({ tags: ['a'], initiator: 'me' });
    return success(id, dispatchId);
  },
  'that took no time': async () => {
    const { id, dispatchId } = await dispatchedTask();
    return { ...success(id, dispatchId), durationMs: 0.25 };
  },
  'shown as running': async () => {
    const task = await dispatchedTask();
    await show(task);
    return success(task.id, task.dispatchId);
  },
  'to be cancelled': async () => {
    const task = await dispatchedTask();
    await show(task);
    await pool.query('update errand.tasks set cancel_requested_at = now() where id = $1', [task.id]);
    return success(task.id, task.dispatchId);
  },
  'tried before': async () => {
    const { id, dispatchId } = await dispatchedTask({ maxAttempts: 5 });
    await recordOutcomes(pool, runnerId, [
      { ...success(id, dispatchId), kind: 'failed', error, retryInMs: 0 },
    ]);
    return success(id, await dispatchOf(id), 2);
  },
  'with crashes': async () => {
    const { id, dispatchId } = await dispatchedTask();
    await pool.query('update errand.tasks set crashes = 2 where id = $1', [id]);
    return success(id, dispatchId);
  },
  'with a callback': async () => {
    const { id, dispatchId } = await dispatchedTask({ callbackUrl: 'http://127.0.0.1:9/nobody' });
    return success(id, dispatchId);
  },
  'of a dispatch that is stale': async () => success((await dispatchedTask()).id, NOBODY),
  'of another attempt': async () => {
    const { id, dispatchId } = await dispatchedTask();
    return success(id, dispatchId, 2);
  },
  'that has ended': async () => {
    const { id, dispatchId } = await dispatchedTask();
    await pool.query(`update errand.tasks set state = 'cancelled', finished_at = now() where id = $1`, [id]);
    return success(id, dispatchId);
  },
};
const STALE = ['of a dispatch that is stale', 'of another attempt', 'that has ended'];

test.each(Object.entries(ROADS))('a task %s ends alike', async (road, make) => {
  const [one, other] = [await make(), await make()];
  const dispatches = await countDispatches(pool);
  const counted = [await lean([one]), await whole([other])].map(({ fenced, ids }) => [fenced, [...ids]]);
  const counts = !STALE.includes(road);
  expect(counted).toEqual([one, other].map(({ id }) => [false, counts ? [id] : []]));
  const after = await ledger(one.id);
  expect(after).toEqual(await ledger(other.id));
  expect(after).toMatchObject(
    counts ? { state: 'succeeded', has_dispatch: false, runner_id: runnerId } : { result: null },
  );
  const told = road === 'with a callback' ? ['task.succeeded'] : null;
  expect([after.told, (await countDispatches(pool)) - dispatches]).toEqual([told, told === null ? 0 : 2]);
});

test('of many, only those that counted are told of', async () => {
  const makers = Object.entries(ROADS);
  const outcomes = await Promise.all(makers.map(([, make]) => make()));
  const fresh = outcomes.filter((_outcome, index) => !STALE.includes(makers[index]?.[0] ?? ''));
  expect(fresh).toHaveLength(makers.length - STALE.length);
  expect(await lean(outcomes)).toEqual({ fenced: false, ids: new Set(fresh.map(({ id }) => id)) });
  expect(await lean(outcomes)).toEqual({ fenced: false, ids: new Set() });
  // The same attempt twice in one write is one success.
  const task = await dispatchedTask();
  const doubled = [success(task.id, task.dispatchId, 1, '1'), success(task.id, task.dispatchId, 1, '1')];
  expect(await lean(doubled)).toEqual({ fenced: false, ids: new Set([task.id]) });
  expect(await lean([])).toEqual({ fenced: false, ids: new Set() });
});

test('a runner that has ended records nothing, and is told so', async () => {
  const gone = await register();
  const task = await dispatchedTask();
  await endRunner(pool, gone);
  const before = await ledger(task.id);
  expect(await lean([success(task.id, task.dispatchId)], gone)).toEqual({ fenced: true, ids: new Set() });
  expect(await ledger(task.id)).toEqual(before);
  expect(await lean([success(task.id, task.dispatchId)], 2_000_000_000)).toEqual({
    fenced: true,
    ids: new Set(),
  });
  expect(before).toMatchObject({ state: 'queued', has_dispatch: true });
});

test('a runner that is ended while it records is fenced: the record waits, and then sees it', async () => {
  const doomed = await register();
  const task = await dispatchedTask();
  const other = await pool.connect();
  await other.query('begin');
  await other.query('select 1 from errand.runners where id = $1 for update', [doomed]);
  const recording = lean([success(task.id, task.dispatchId)], doomed);
  await other.query(`update errand.runners set ended_at = now(), end_reason = 'lost' where id = $1`, [
    doomed,
  ]);
  await other.query('commit');
  other.release();
  expect(await recording).toEqual({ fenced: true, ids: new Set() });
  expect(await ledger(task.id)).toMatchObject({ state: 'queued', has_dispatch: true });
});

const STRANGE = [
  ...[
    'null',
    'NULL',
    '',
    '{}',
    '{a,b}',
    '"',
    '\\',
    '\\\\',
    '\\"',
    "'",
    ',',
    '","',
    ' ',
    '\n\t\r',
    '\\u0041',
    '$1',
  ],
  ...['Zürich', '日本語', '😀', '\u2028', '\ufeff', '{"a":"\\"}"}', `'; drop table errand.tasks; --`],
];

test('whatever JSON the results are, they come back, all of one write, and as by the whole statement', async () => {
  const values = fc.array(fc.oneof(jsonOf(goodText), fc.constantFrom(...STRANGE)), {
    minLength: 1,
    maxLength: 20,
  });
  const texts = (given: unknown[]) => given.map((value) => JSON.stringify(value));
  const examples: [(string | null)[]][] = [
    [texts([...STRANGE, STRANGE, { '"\\{},': STRANGE }])],
    [['null', null, '"null"', '0', 'false', '[]']],
  ];
  await fc.assert(
    fc.asyncProperty(values.map(texts) as fc.Arbitrary<(string | null)[]>, async (results) => {
      const seen = [];
      for (const way of [lean, whole]) {
        const tasks = await submit(pool, ...results.map(() => ({ name: 't.x', payload: {} })));
        const outcomes = await Promise.all(
          results.map(async (result, index) => {
            const id = String(tasks[index]?.id);
            return success(id, await dispatchOf(id), 1, result);
          }),
        );
        expect((await way(outcomes)).ids.size).toBe(results.length);
        const { rows } = await pool.query(
          `select t.result, t.result is null as is_null
             from unnest($1::uuid[]) with ordinality as given (id, place) join errand.tasks t using (id) order by place`,
          [outcomes.map(({ id }) => id)],
        );
        seen.push(rows);
      }
      const wanted = results.map((result) => JSON.parse(result ?? 'null'));
      expect(seen[0]).toEqual(wanted.map((result) => ({ result, is_null: result === null })));
      expect(seen[1]).toEqual(seen[0]);
    }),
    { numRuns: 25, examples },
  );
});
