import { beforeEach, describe, expect, test } from 'vitest';
import type { Dedup } from '../../../../core/definitions/dedup.ts';
import { stepRows } from '../../../../core/workflows/graph.ts';
import { loadDispatches } from '../../../../store/attempts/load.ts';
import { reportRunning } from '../../../../store/attempts/running.ts';
import { cancelTask } from '../../../../store/operators/cancel.ts';
import { type Submission, submitTasks } from '../../../../store/submit/submit.ts';
import { submitBatch } from '../../../../store/submit/submit_batch.ts';
import type { Task } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { countDispatches } from '../../../support/tasks.ts';
import { diamond } from '../../workflows/shapes.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query(
    'delete from errand.tasks; delete from errand_worker._private_jobs; delete from errand.runners',
  );
});

const ACT = { actor: 'ann', reason: null, requestId: null };

function debounce(key: string | null = 'k', seconds = 600, maxSeconds = 6_000): Dedup {
  return { dedup: 'debounce', key, seconds, maxSeconds };
}

function burst(n: number, more: Partial<Submission> = {}): Submission {
  return {
    ...{ name: 's.x', version: '1.0.0', payload: { n }, priority: 0, maxAttempts: 5, dedup: debounce() },
    ...{ requestId: `r-${n}`, traceparent: null, submittedBy: 'key:shop', mayRead: true, mayOperate: true },
    ...more,
  };
}

async function one(submission: Submission): Promise<{ outcome: string; task: Task }> {
  const [submitted] = await submitTasks(pool, [submission]);
  if (submitted?.task == null) throw new Error('no task');
  return { outcome: submitted.outcome, task: submitted.task };
}

/** Lets time pass for all tasks. */
async function pass(seconds: number): Promise<void> {
  await pool.query(
    `update errand.tasks
        set run_at = run_at - make_interval(secs => $1), debounce_until = debounce_until - make_interval(secs => $1),
            dedup_until = dedup_until - make_interval(secs => $1)`,
    [seconds],
  );
}

/** Seconds from now until a task is due. */
async function dueIn(id: string): Promise<number> {
  const { rows } = await pool.query<{ secs: number }>(
    'select extract(epoch from run_at - now())::float8 as secs from errand.tasks where id = $1',
    [id],
  );
  return rows[0]?.secs ?? Number.NaN;
}

async function dispatchOf(id: string): Promise<{ key: string; taskIds: string[] }> {
  const { rows } = await pool.query<{ key: string }>(
    'select dispatch_id::text as key from errand.tasks where id = $1',
    [id],
  );
  return { key: rows[0]?.key ?? '', taskIds: [id] };
}

describe('debounced submissions of one key', () => {
  test('are one task: the last payload wins, with all its options, and moves the due time', async () => {
    const first = await one(burst(1, { tags: ['old'], priority: 3 }));
    await pass(500);
    const later = { reason: 'again', initiator: 'bob', tags: ['new'], maxAttempts: 7, version: '1.1.0' };
    const second = await one(burst(2, later));
    expect([first.outcome, second.outcome]).toEqual(['created', 'debounced']);
    expect(second.task).toMatchObject({
      ...{
        id: first.task.id,
        state: 'scheduled',
        payload: { n: 2 },
        priority: 0,
        max_attempts: 7,
        attempt: 1,
      },
      ...{ version: '1.1.0', tags: ['new'], reason: 'again', initiator: 'bob', request_id: 'r-2' },
      ...{ dedup: 'debounce', dedup_key: 'k', debounced: 1 },
    });
    expect(await dueIn(first.task.id)).toBeCloseTo(600, -1);
  });

  test('leave one dispatch, which is due with the task', async () => {
    let id = '';
    for (let n = 0; n < 5; n++) id = (await one(burst(n))).task.id;
    expect(await countDispatches(pool)).toBe(1);
    const { rows } = await pool.query(
      `select j.run_at = t.run_at as fits, t.debounced
         from errand.tasks t join errand_worker._private_jobs j on j.key = t.dispatch_id::text where t.id = $1`,
      [id],
    );
    expect(rows).toEqual([{ fits: true, debounced: 4 }]);
  });

  test('are due at the latest so long after the first', async () => {
    const { task } = await one(burst(1, { dedup: debounce('k', 600, 900) }));
    await pass(500);
    await one(burst(2, { dedup: debounce('k', 600, 9_000) }));
    expect(await dueIn(task.id)).toBeCloseTo(400, -1);
    expect((await one(burst(3))).task).toMatchObject({ id: task.id, payload: { n: 3 } });
  });

  test('may be due earlier, if the last one has a shorter delay', async () => {
    const { task } = await one(burst(1));
    await one(burst(2, { dedup: debounce('k', 5) }));
    expect(await dueIn(task.id)).toBeLessThan(10);
    expect(await countDispatches(pool)).toBe(1);
  });

  test('in one call: the last of them wins', async () => {
    const other = burst(9, { dedup: debounce('other') });
    const submitted = await submitTasks(pool, [burst(1), other, burst(2), burst(3)]);
    expect(submitted.map(({ outcome }) => outcome)).toEqual(['debounced', 'created', 'debounced', 'created']);
    expect(submitted[0]?.task).toMatchObject({ id: submitted[3]?.task?.id, payload: { n: 3 }, debounced: 2 });
    const again = await submitBatch(pool, [burst(4), burst(5)]);
    expect(again.map(({ outcome }) => outcome)).toEqual(['debounced', 'debounced']);
    const { rows } = await pool.query("select payload, debounced from errand.tasks where dedup_key = 'k'");
    expect(rows).toEqual([{ payload: { n: 5 }, debounced: 4 }]);
  });

  test('without a key are those of the name; other names and keys are apart', async () => {
    const { task } = await one(burst(1, { dedup: debounce(null) }));
    expect((await one(burst(2, { dedup: debounce(null) }))).task.id).toBe(task.id);
    expect((await one(burst(3))).outcome).toBe('created');
    expect((await one(burst(4, { name: 's.y', dedup: debounce(null) }))).outcome).toBe('created');
    expect((await one(burst(5, { dedup: { dedup: 'key', key: 'k' } }))).outcome).toBe('created');
  });
});

describe('the next submission is a new task', () => {
  test.each<[string, (task: Task) => Promise<unknown>]>([
    ['if the first is due', () => pass(601)],
    ['if the first has been cancelled', ({ id }) => cancelTask(pool, id, ACT, null)],
    [
      'if an operator runs the first now',
      ({ id }) => pool.query("update errand.tasks set state = 'queued', run_at = now() where id = $1", [id]),
    ],
    [
      'if the first runs, even if the clock goes back',
      ({ id }) =>
        pool.query("update errand.tasks set state = 'running', started_at = now() where id = $1", [id]),
    ],
  ])('%s', async (_when, happens) => {
    const first = await one(burst(1));
    await happens(first.task);
    const second = await one(burst(2));
    expect(second).toMatchObject({ outcome: 'created', task: { payload: { n: 2 }, debounced: 0 } });
    expect(second.task.id).not.toBe(first.task.id);
    const third = await one(burst(3));
    expect(third).toMatchObject({ outcome: 'debounced', task: { id: second.task.id, payload: { n: 3 } } });
    const { rows } = await pool.query('select payload from errand.tasks where id = $1', [first.task.id]);
    expect(rows).toEqual([{ payload: { n: 1 } }]);
  });
});

describe('at the moment of the start', () => {
  async function register(): Promise<number> {
    const { rows } = await pool.query<{ id: number }>(
      `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs)
       values ('h', 1, '1', '{s.x}', 1, 60) returning id`,
    );
    return rows[0]?.id ?? -1;
  }

  test('a task that was moved after it was loaded does not start with its old payload', async () => {
    const runner = await register();
    const { task } = await one(burst(1));
    const [[loaded] = []] = await loadDispatches(pool, [await dispatchOf(task.id)]);
    expect(loaded).toMatchObject({ isSuspect: true, payload: { n: 1 } });
    await one(burst(2));
    const report = { ...{ id: task.id, attempt: 1, elapsedMs: 0, lines: [], progress: null } };
    const late = [{ ...report, dispatchId: loaded?.dispatchId ?? '' }];
    expect(await reportRunning(pool, runner, late)).toEqual(new Set());
    const now = [{ ...report, dispatchId: (await dispatchOf(task.id)).key }];
    expect(await reportRunning(pool, runner, now)).toEqual(new Set([task.id]));
    expect((await one(burst(3))).outcome).toBe('created');
  });

  test('a submission that has waited for the start makes a new task', async () => {
    const runner = await register();
    const { task } = await one(burst(1));
    const client = await pool.connect();
    await client.query('begin');
    const { key: dispatchId } = await dispatchOf(task.id);
    const report = { id: task.id, dispatchId, attempt: 1, elapsedMs: 0, lines: [], progress: null };
    await reportRunning(client, runner, [report]);
    const waiting = one(burst(2));
    await expectLockWaiter();
    await client.query('commit');
    client.release();
    expect(await waiting).toMatchObject({ outcome: 'created', task: { payload: { n: 2 } } });
  });

  async function expectLockWaiter(): Promise<void> {
    await expect
      .poll(
        async () =>
          (
            await pool.query<{ waits: boolean }>(
              "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock') as waits",
            )
          ).rows[0]?.waits,
        { timeout: 60_000 },
      )
      .toBe(true);
  }

  test('a first submission that another transaction makes at the same time is moved', async () => {
    const client = await pool.connect();
    await client.query('begin');
    await submitTasks(client, [burst(1)]);
    const waiting = one(burst(2));
    await expectLockWaiter();
    await client.query('commit');
    expect(await waiting).toMatchObject({ outcome: 'debounced', task: { payload: { n: 2 }, debounced: 1 } });
    expect(await countDispatches(pool)).toBe(1);
    await client.query('begin');
    // That transaction is open for longer than the delay.
    await pool.query('delete from errand.tasks');
    const [late] = await submitTasks(client, [burst(3)]);
    await client.query("update errand.tasks set run_at = now() - interval '1 second'");
    const next = one(burst(4));
    await expectLockWaiter();
    await client.query('commit');
    client.release();
    const made = await next;
    expect(made).toMatchObject({ outcome: 'created', task: { payload: { n: 4 } } });
    expect(made.task.id).not.toBe(late?.task?.id);
  });
});

describe('a debounced workflow', () => {
  const workflow = (value: number, more: Partial<Submission> = {}): Submission =>
    burst(value, {
      ...{ name: diamond.name, version: diamond.version, payload: { value }, steps: stepRows(diamond.graph) },
      ...more,
    });

  test('is moved with its steps', async () => {
    const first = await one(workflow(1));
    await pass(300);
    const second = await one(workflow(2));
    expect(second).toMatchObject({
      outcome: 'debounced',
      task: { id: first.task.id, payload: { value: 2 } },
    });
    const { rows } = await pool.query(
      `select count(*)::integer as steps, bool_and(s.payload = t.payload and s.run_at = t.run_at) as moved,
              count(j.key) filter (where j.run_at = t.run_at)::integer as dispatched
         from errand.tasks t
         join errand.tasks s on s.parent_id = t.id
         left join errand_worker._private_jobs j on j.key = s.dispatch_id::text`,
    );
    expect(rows).toEqual([{ steps: diamond.graph.steps.length, moved: true, dispatched: 1 }]);
    expect(await countDispatches(pool)).toBe(1);
  });

  test('is another task with another version, because its steps may differ', async () => {
    const first = await one(workflow(1));
    const second = await one(workflow(2, { version: '9.0.0' }));
    expect([second.outcome, second.task.id === first.task.id]).toEqual(['created', false]);
  });
});

describe('callbacks of debounced tasks', () => {
  test('the last one counts; one of the same submitter stays', async () => {
    const first = burst(1, { callbackUrl: 'https://one.example/' });
    await one(first);
    expect((await one(burst(2))).task.callback_url).toBe('https://one.example/');
    const other = await one(burst(3, { submittedBy: 'key:other' }));
    expect(other.task).toMatchObject({ callback_url: null, submitted_by: 'key:other' });
    const third = await one(burst(4, { callbackUrl: 'https://two.example/' }));
    expect(third.task.callback_url).toBe('https://two.example/');
  });
});

describe('throttled submissions', () => {
  const throttled = (n: number, more: Partial<Submission> = {}): Submission =>
    burst(n, { dedup: { dedup: 'throttle', key: 'k', seconds: 600 }, ...more });

  test.each(['queued', 'running', 'succeeded', 'failed', 'cancelled'])(
    'get the first task while it is %s, and change nothing',
    async (state) => {
      const first = await one(throttled(1));
      await pool.query(
        `update errand.tasks
            set state = $1, finished_at = case when $1 in ('succeeded', 'failed', 'cancelled') then now() end`,
        [state],
      );
      const before = await pool.query("select to_jsonb(t) - 'before_duplicate' as task from errand.tasks t");
      const again = await one(throttled(2, { callbackUrl: 'https://one.example/' }));
      expect(again).toMatchObject({ outcome: 'throttled', task: { id: first.task.id, payload: { n: 1 } } });
      const after = await pool.query("select to_jsonb(t) - 'before_duplicate' as task from errand.tasks t");
      expect(after.rows).toEqual(before.rows);
      expect((await pool.query("select from errand.audit where action = 'resubmit'")).rows).toHaveLength(0);
    },
  );

  test('are a new task after the time', async () => {
    const first = await one(throttled(1));
    await pass(601);
    const second = await one(throttled(2));
    expect([second.outcome, second.task.id === first.task.id]).toEqual(['created', false]);
    expect((await one(throttled(3))).task.id).toBe(second.task.id);
  });
});
