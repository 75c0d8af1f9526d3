import type { PoolClient } from 'pg';
import { KINDS } from './definitions.ts';
import { withoutIndexes } from './indexes.ts';

const CHUNK = 250_000;
/** How many tasks have the rare tag and the rare initiator, independent of the total. */
const RARE = 200;

/** Values by which tasks of the fill can be found. */
export const FINDABLE = {
  name: 'billing.charge_card',
  namespace: 'media',
  /** The tags of one task in ten, of one in a thousand, and of RARE tasks. */
  commonTag: 'nightly',
  uncommonTag: 'campaign-7',
  rareTag: 'audit',
  /** The initiators of one task in ten, and of RARE tasks. */
  commonInitiator: 'service:shop',
  rareInitiator: 'user:ann',
} as const;

/**
 * Fills an empty ledger with finished tasks. They were created evenly over the 24 hours before the
 * last full minute. Most succeeded, 5 % failed with one of a few errors, 1 % were cancelled. The
 * same number gives the same tasks, except for ids and times. It is one transaction that empties
 * the tables first, because that needs no WAL.
 */
export async function fillLedger(
  client: PoolClient,
  tasks: number,
  log: (line: string) => void,
): Promise<void> {
  await withoutIndexes(
    client,
    async () => {
      await client.query('begin');
      // Earlier builds have no tables beside the tasks.
      const counted = await hasCounts(client);
      const beside = counted ? ', errand.task_tags, errand.error_counts' : '';
      await client.query(`truncate errand.tasks, errand.attempts, errand.logs${beside}`);
      // Without the check that the task of each attempt exists, and without the triggers of tasks.
      await client.query(`set local session_replication_role = replica`);
      await client.query('select setseed(0.5)');
      for (let from = 1; from <= tasks; from += CHUNK) {
        const to = Math.min(from + CHUNK - 1, tasks);
        await insertTasks(client, { tasks, from, to });
        log(`${to.toLocaleString('en')} of ${tasks.toLocaleString('en')} tasks`);
      }
      await insertAttempts(client);
      if (counted) {
        await client.query(INSERT_TAGS);
        await client.query(INSERT_COUNTS);
      }
      await client.query('commit');
    },
    (name) => log(`index ${name}`),
  );
}

/** Whether this build keeps tags and counts of errors in tables beside the tasks. */
async function hasCounts(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `select to_regclass('errand.task_tags') is not null as has`,
  );
  return rows[0]?.has === true;
}

/** Inserts the tasks with these numbers, from 1 for the oldest. */
async function insertTasks(
  client: PoolClient,
  { tasks, from, to }: { tasks: number; from: number; to: number },
): Promise<void> {
  let sum = 0;
  const upTo = KINDS.slice(0, -1).map(({ share }) => {
    sum += share;
    return sum;
  });
  await client.query(INSERT_TASKS, [
    ...[tasks, from, to],
    ...[upTo, KINDS.map(({ name }) => name), KINDS.map(({ typicalMs }) => typicalMs)],
    ...[Math.floor(tasks / RARE), FINDABLE.rareTag, FINDABLE.uncommonTag, FINDABLE.commonTag],
    ...[FINDABLE.rareInitiator, FINDABLE.commonInitiator],
  ]);
}

// Most tasks wait about 20 ms. Waits and durations vary with a long tail, as in practice. `offset
// 0` keeps each random draw single.
const INSERT_TASKS = `
  with drawn as (
    select n,
           date_trunc('minute', now(), 'UTC') - interval '1 minute'
             - interval '24 hours' * (($1::integer - n)::float8 / $1) - interval '30 seconds' as created,
           1 + width_bucket(random(), $4::float8[]) as kind,
           case when fate < 0.05 then 'failed' when fate < 0.06 then 'cancelled' else 'succeeded' end as state,
           case when fate < 0.05 then 1 + floor(fate * 100)::integer when fate > 0.98 then 2 else 1 end as attempt,
           make_interval(secs => least(20, 0.02 * exp(0.8 * random_normal()))) as wait,
           least(4, exp(0.5 * random_normal())) as slowness,
           floor(1000 * random())::integer as customer
      from (select n, random() as fate from generate_series($2::integer, $3::integer) n offset 0) fated
    offset 0
  ),
  timed as (
    select drawn.*,
           ($5::text[])[kind] as name,
           created + wait as started,
           created + wait + make_interval(secs => least(20, slowness * ($6::float8[])[kind] / 1000)) as finished
      from drawn
  )
  insert into errand.tasks (id, name, version, state, priority, attempt, max_attempts, run_at, started_at, finished_at,
                            runner_id, payload, result, error, dedup, dedup_hash, tags, initiator, request_id)
  select uuidv7(created - clock_timestamp()), name, '1.0.0', state, 0, attempt, 5, created,
         case when state <> 'cancelled' then started end, finished, 1,
         jsonb_build_object('order', n, 'customer', customer, 'channel', 'web'),
         case when state = 'succeeded' then jsonb_build_object('reference', 'R-' || n) end,
         case when state = 'failed' then jsonb_build_object(
           'error_type', case when n % 3 = 0 then 'TimeoutError' else 'Error' end,
           'message', case n % 3 when 0 then 'no answer from 10.0.' || n % 250 || '.1 within 5000 ms'
                                 when 1 then 'customer ' || customer || ' has no address'
                                 else 'status 503 from "shop-' || customer || '"' end,
           'error_code', null, 'retryable', n % 3 <> 1, 'metadata', null,
           'stack', 'Error: at handle (handler.ts:12:9)') end,
         'payload', sha256(convert_to(n::text, 'UTF8')),
         case when n % $7::integer = $7 / 2 then array[$8::text, 'customer-' || customer]
              when n % 1000 = 500 then array[$9::text]
              when n % 10 = 3 then array[$10::text, 'customer-' || customer]
              else '{}' end,
         case when n % $7 = $7 / 2 then $11::text
              when n % 10 = 6 then $12::text
              when n % 10 < 3 then 'user:' || customer end,
         case when n % 2 = 0 then 'request-' || n end
    from timed`;

// The triggers of tasks do not run during a fill: these statements do their work.
const INSERT_TAGS = `
  insert into errand.task_tags (tag, task_id)
  select tag collate "C", t.id from errand.tasks t cross join lateral unnest(t.tags) tag order by 1, 2`;
const INSERT_COUNTS = `
  insert into errand.error_counts (error_group, tasks)
  select t.error_group, count(*) from errand.tasks t where t.error_group is not null group by 1`;

/** Inserts every attempt that did not succeed, at the time of its task's end. */
async function insertAttempts(client: PoolClient): Promise<void> {
  await client.query(`
    insert into errand.attempts (task_id, attempt, outcome, runner_id, started_at, finished_at, error)
    select t.id, made.attempt, 'failed', 1, t.started_at, t.finished_at, t.error
      from errand.tasks t
     cross join lateral generate_series(1, case when t.state = 'failed' then t.attempt else t.attempt - 1 end) made (attempt)
     where t.state = 'failed' or t.attempt > 1`);
}
