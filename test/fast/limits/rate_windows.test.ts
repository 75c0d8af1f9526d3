import fc from 'fast-check';
import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { FIRST_KEY, repairLimits } from '../../../store/limits/repair.ts';
import { takeSlots } from '../../../store/limits/slots.ts';
import { callTimedLimits, holdLimitKey } from '../../../store/limits/timed_calls.ts';
import { createDatabase } from '../../support/database.ts';
import { cancelTask } from '../../support/operator.ts';
import { submit } from '../../support/tasks.ts';
import { keepStarts, mostIn, startsOf } from './starts.ts';

const { pool } = await createDatabase();
await keepStarts(pool);

const RUNS = Number(process.env.MODEL_RUNS ?? 15);
const NAME = 'window.x';
const LIMIT = 'window.rate';
const SLOTS = 'window.slots';
const KEYS = ['', 'a'];
/** Ten minutes: what the test itself takes is nothing beside it. */
const PERIOD_MS = 600_000;

/** So many starts in PERIOD_MS, in so many bursts. */
type Rate = { burst: number; bursts: number };

type Action =
  | { do: 'submit'; count: number; key: number }
  | { do: 'take'; picks: number[][]; rollsBack: boolean; twice: boolean }
  | { do: 'pass'; share: number }
  | { do: 'hold'; key: number; share: number }
  | { do: 'cancel'; pick: number }
  | { do: 'repair' };

const pick = fc.nat(999);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      count: fc.integer({ min: 1, max: 6 }),
      key: fc.nat(1),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      picks: fc.array(fc.array(pick, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
      ...{ rollsBack: fc.boolean(), twice: fc.boolean() },
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      share: fc.constantFrom(0.02, 0.3, 0.6, 0.9, 1.1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      key: fc.nat(1),
      share: fc.constantFrom(0.1, 0.4, 0.9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repair' as const) }) },
);
const rates = fc.record({ burst: fc.integer({ min: 1, max: 5 }), bursts: fc.integer({ min: 1, max: 3 }) });

/** Lets so much time pass for everything that counts or waits. */
async function pass(ms: number): Promise<void> {
  await pool.query(
    `with a as (update errand.limit_starts set bucket_end = bucket_end - make_interval(secs => $1)),
          b as (update public.kept_starts set at = at - make_interval(secs => $1)),
          c as (update errand.limit_waits set called_at = called_at - make_interval(secs => $1))
     update errand.limit_keys
        set call_at = call_at - make_interval(secs => $1), held_until = held_until - make_interval(secs => $1)`,
    [ms / 1_000],
  );
}

type Row = { id: string; key: string; dispatch_id: string; is_waiting: boolean };

/** The tasks that have not started, and whether each waits without a dispatch. */
async function readTasks(database: Pool): Promise<Row[]> {
  const { rows } = await database.query<Row>(
    `select t.id, t.payload ->> 'key' as key, t.dispatch_id, w.task_id is not null and w.called_at is null as is_waiting
       from errand.tasks t
       left join errand.limit_waits w on w.task_id = t.id
      where t.state = 'queued' and not exists (select from public.begun b where b.id = t.id)
      order by t.id`,
  );
  return rows;
}

async function start(rate: Rate): Promise<[number, number]> {
  await pool.query(
    `delete from errand_worker._private_jobs; delete from errand.tasks; delete from errand.limit_slots; delete from errand.limit_starts;
     delete from errand.limit_waits; delete from errand.limit_keys; delete from errand.limits; delete from public.kept_starts;
     create table if not exists public.begun (id uuid); delete from public.begun`,
  );
  const slots = rate.burst * rate.bursts;
  await pool.query(
    'insert into errand.limits (name, declared_slots, period_ms, declared_burst) values ($1, $2, $3, $4)',
    [LIMIT, slots, PERIOD_MS, rate.burst],
  );
  await pool.query('insert into errand.limits (name, declared_slots) values ($1, 5)', [SLOTS]);
  const register = () =>
    registerRunner(pool, {
      host: 'test',
      pid: 1,
      version: 'test',
      taskNames: [],
      concurrency: 1,
      leaseSecs: 3_600,
    });
  return [await register(), await register()];
}

async function take(
  runners: readonly number[],
  { picks, rollsBack, twice }: Extract<Action, { do: 'take' }>,
): Promise<void> {
  const left = (await readTasks(pool)).filter(({ is_waiting }) => !is_waiting);
  const batches = picks.map((batch) =>
    batch.flatMap((one) => left.splice(one % Math.max(left.length, 1), 1)),
  );
  await Promise.all(
    batches.map(async (batch, index) => {
      const runner = runners[index % runners.length] ?? 0;
      // Each second one needs a slot, too: if it is full, no start is counted.
      const starting = batch.map(({ id, key, dispatch_id }) => {
        const rules: [string, string][] = [
          [LIMIT, key],
          ...(id.slice(-1) < '8' && key === 'a' ? [[SLOTS, ''] as [string, string]] : []),
        ];
        return { id, dispatchId: dispatch_id, keys: rules };
      });
      if (starting.length === 0) return;
      if (rollsBack) {
        const client = await pool.connect();
        await client.query('begin');
        await takeSlots(client, runner, starting);
        await client.query('rollback');
        client.release();
      }
      const { took } = await takeSlots(pool, runner, starting);
      // An answer that was lost: more starts may be counted, never fewer.
      if (twice) await takeSlots(pool, runner, starting);
      const begun = batch.filter((_one, at) => took[at] === 'taken').map(({ id }) => id);
      await pool.query('insert into public.begun select unnest($1::uuid[])', [begun]);
      await pool.query('delete from errand.limit_waits where task_id = any ($1)', [begun]);
    }),
  );
}

async function act(runners: readonly number[], rate: Rate, one: Action): Promise<void> {
  switch (one.do) {
    case 'submit':
      await submit(
        pool,
        ...Array.from({ length: one.count }, () => ({ name: NAME, payload: { key: KEYS[one.key] } })),
      );
      return;
    case 'take':
      return take(runners, one);
    case 'pass':
      await pass((one.share * PERIOD_MS) / rate.bursts);
      await callTimedLimits(pool);
      return;
    case 'hold':
      return holdLimitKey(pool, [LIMIT, KEYS[one.key] ?? ''], one.share * PERIOD_MS);
    case 'cancel': {
      const tasks = await readTasks(pool);
      const task = tasks[one.pick % Math.max(tasks.length, 1)];
      if (task !== undefined) await cancelTask(pool, task.id);
      return;
    }
    case 'repair':
      await repairLimits(pool, FIRST_KEY);
  }
}

/** Whoever waits, waits for a time that comes, unless others that were called go first. */
async function checkWaits(rate: Rate): Promise<void> {
  const { rows } = await pool.query<{
    key: string;
    call_in_ms: number | null;
    held: boolean;
    late: boolean;
    waits: number;
    called: number;
  }>(
    `select k.key, extract(epoch from k.call_at - clock_timestamp())::float8 * 1000 as call_in_ms,
            coalesce(k.held_until > clock_timestamp(), false) as held,
            (select count(*) from errand.limit_waits w where w.limit_name = k.limit_name and w.key = k.key and w.called_at is null) as waits,
            (select count(*) from errand.limit_waits w where w.limit_name = k.limit_name and w.key = k.key and w.called_at is not null) as called,
            exists (select from errand.limit_waits w
                     where w.limit_name = k.limit_name and w.key = k.key
                       and w.called_at < clock_timestamp() - errand.limit_call_time()) as late
       from errand.limit_keys k where k.limit_name = $1`,
    [LIMIT],
  );
  const { rows: clock } = await pool.query<{ now: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as now',
  );
  const windowMs = PERIOD_MS / rate.bursts;
  for (const { key, call_in_ms, held, waits, called, late } of rows) {
    // While a call is not answered in time, no other task of that name is called.
    if (waits === 0 || late) continue;
    const now = clock[0]?.now ?? 0;
    const counted = (await startsOf(pool, LIMIT, key)).filter(({ at }) => at > now - windowMs);
    const used = counted.reduce((sum, { starts }) => sum + starts, 0);
    // Room for one more, and nobody was called for it: a wake-up was lost.
    if (!held) expect(used + called).toBeGreaterThanOrEqual(rate.burst);
    if (held || called < rate.burst) expect(call_in_ms).not.toBeNull();
  }
}

test('whatever is done, in whatever order, in any window no more start than the rate allows, and who waits is called in time', async () => {
  await fc.assert(
    fc.asyncProperty(
      rates,
      fc.array(action, { minLength: 8, maxLength: 40, size: 'max' }),
      async (rate, actions) => {
        const runners = await start(rate);
        for (const one of actions) {
          await act(runners, rate, one);
          await checkWaits(rate);
        }
        for (const key of KEYS) {
          const starts = await startsOf(pool, LIMIT, key);
          expect(mostIn(starts, PERIOD_MS / rate.bursts)).toBeLessThanOrEqual(rate.burst);
          expect(mostIn(starts, PERIOD_MS)).toBeLessThanOrEqual(rate.burst * rate.bursts);
        }
        // From now on all goes well: all that are left start.
        for (let rounds = 0; (await readTasks(pool)).length > 0; rounds++) {
          expect(rounds).toBeLessThan(400);
          await take(runners, { do: 'take', picks: [[0, 0, 0, 0, 0]], rollsBack: false, twice: false });
          await pool.query('delete from errand.limit_slots');
          await pass(PERIOD_MS / rate.bursts + 1);
          await callTimedLimits(pool);
          await repairLimits(pool, FIRST_KEY);
        }
      },
    ),
    { numRuns: RUNS },
  );
});
