import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startMaintenance } from '../../../../runner/maintenance/maintenance.ts';
import { createEvents } from '../../../../runner/record/events.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();
const log = pino({ enabled: false });

// Rounds come twice a minute: only their timers are moved on, not what they do.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What is there of each kind that is kept for a time only: `old`, and `young`. */
async function kept(): Promise<Record<string, string[]>> {
  const { rows } = await pool.query<{ kept: Record<string, string[]> }>(`
    select json_build_object(
             'tasks', array(select reason from errand.tasks order by 1),
             'runners', array(select host from errand.runners order by 1),
             'audit', array(select reason from errand.audit order by 1),
             'history of schedules', array(select schedule_id from errand.schedule_runs order by 1),
             'minutes', array(select state from errand.rollups where minutes = 1 order by 1),
             'hours', array(select state from errand.rollups where minutes = 60 order by 1)) as kept`);
  return rows[0]?.kept ?? {};
}

test('what is kept for a time only is deleted when that is over', async () => {
  await pool.query(`
    insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
    values ('a.one', 'a', '1.0.0', '', '{}', '{}');
    insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, reason, finished_at)
    select 'a.one', '1.0.0', 'cancelled', 0, 1, now(), '{}', age, now() - hours * interval '1 hour'
      from (values ('old', 25), ('young', 23)) ages (age, hours);
    insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, ended_at, end_reason)
    select age, 1, '1', '{}', 1, 15, now() - days * interval '1 day', 'stopped'
      from (values ('old', 31), ('young', 29)) ages (age, days);
    insert into errand.audit (actor, action, reason, at)
    select 'somebody', 'task.cancel', age, now() - days * interval '1 day'
      from (values ('old', 91), ('young', 89)) ages (age, days);
    insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, at)
    select age, now(), 'submitted', now() - days * interval '1 day'
      from (values ('old', 91), ('young', 89)) ages (age, days);
    insert into errand.rollups (name, minutes, starts_at, state, measure, bucket, tasks, attempts, ms)
    select 'a.one', minutes, now() - hours * interval '1 hour', age, 'wait', 1, 1, 1, 1
      from (values (1, 'old', 9), (1, 'young', 7), (60, 'old', 31 * 24), (60, 'young', 29 * 24)) ages (minutes, age, hours)`);
  const both = ['old', 'young'];
  expect(Object.values(await kept())).toEqual([both, both, both, both, both, both]);
  let registered = 0;
  const maintenance = startMaintenance({
    pool,
    runnerId: 1,
    retentionHours: { finished: 24, failed: 336 },
    auditRetentionDays: 90,
    scheduleHistoryDays: 90,
    keepRegistered: async () => void registered++,
    events: createEvents(log),
    log,
  });
  vi.advanceTimersByTime(40_000);
  await until('all that is old has gone', async () => !JSON.stringify(await kept()).includes('old'));
  await maintenance.close();
  expect(registered).toBeGreaterThan(0);
  const young = ['young'];
  expect(Object.values(await kept())).toEqual([young, young, young, young, young, young]);
});
