import type { Pool } from 'pg';
import { z } from 'zod';
import { defineTask } from '../../../../core/task.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { type Answer, startApi, type TestApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registryWith } from '../definitions.ts';
import { authenticateByWords } from '../principals.ts';

/** A task of another namespace than the shipped ones, whose payload has a bound. */
const invoice = defineTask({
  name: 'billing.send_invoice',
  version: '1.0.0',
  description: 'For these tests',
  payload: z.strictObject({ customer: z.string(), copies: z.int().min(1).max(9).default(1) }),
  example: { customer: 'c-1' },
});

/** A schedule with nothing special: every night, in Berlin. */
export const NIGHTLY = {
  task: 'billing.send_invoice',
  payload: { customer: 'c-1' },
  cron: '30 2 * * *',
  timezone: 'Europe/Berlin',
};

export type ScheduleApi = TestApi & {
  pool: Pool;
  /** The same API, for callers with the words of authenticateByWords. */
  guarded: TestApi;
  put(id: string, settings: unknown, query?: string): Promise<Answer>;
};

/** An API over a database of the calling file that knows the shipped tasks and `billing.send_invoice`. */
export async function startScheduleApi(): Promise<ScheduleApi> {
  const { pool } = await createDatabase();
  await registerDefinitions(pool, [...definitions, invoice]);
  const registry = registryWith(invoice);
  const api = await startApi(pool, { registry });
  const guarded = await startApi(pool, { registry, authenticate: authenticateByWords });
  return {
    ...api,
    ...{ pool, guarded },
    put: (id, settings, query = '') => api.call('PUT', `/v1/schedules/${id}${query}`, settings),
  };
}

/** The audit trail of a schedule, oldest first. */
export async function auditOf(pool: Pool, id: string): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query(
    `select action, actor, namespace, reason, details, task_id is not null as "hasTask"
       from errand.audit where target = $1 order by id`,
    [id],
  );
  return rows;
}

/** The times that a schedule has submitted tasks for, oldest first. */
export async function timesOf(pool: Pool, id: string): Promise<string[]> {
  const { rows } = await pool.query<{ scheduled_for: string }>(
    'select scheduled_for from errand.tasks where schedule_id = $1 order by scheduled_for',
    [id],
  );
  return rows.map(({ scheduled_for }) => scheduled_for);
}
