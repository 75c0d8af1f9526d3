import type { Pool } from 'pg';
import type { Row } from './together.ts';

/** What the ledger says, with each slot at the task that has it: see `passed`. */
export async function readRows(pool: Pool, passed: ReadonlyMap<string, string>): Promise<Map<string, Row>> {
  const { rows } = await pool.query<Row>(
    `select t.id, t.state, t.attempt, t.dispatch_id,
            exists (select from errand_worker.jobs j where j.key = t.dispatch_id::text) as has_job,
            coalesce((select json_agg(json_build_object('key', s.limit_name || '/' || s.key, 'runner_id', s.runner_id, 'task_id', s.task_id,
                                                        'dispatch_id', s.dispatch_id))
                        from errand.limit_slots s where s.task_id = t.id), '[]') as slots,
            w.limit_name || '/' || w.key as waits_for, w.called_at is not null as is_called
       from errand.tasks t
       left join errand.limit_waits w on w.task_id = t.id`,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const row of rows) {
    const isPassed = ({ task_id, dispatch_id }: Row['slots'][number]): boolean =>
      passed.has(`${task_id} ${dispatch_id}`);
    for (const slot of row.slots.filter(isPassed)) {
      const user = byId.get(passed.get(`${slot.task_id} ${slot.dispatch_id}`) ?? '');
      if (user !== undefined && user !== row) user.slots = [...user.slots, slot];
    }
    row.slots = row.slots.filter((slot) => slot.task_id !== row.id || !isPassed(slot));
  }
  return byId;
}
