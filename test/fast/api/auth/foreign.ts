import type { Pool } from 'pg';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { disableCallback } from '../../../../store/operators/callbacks.ts';
import type { TestApi } from '../../../support/api.ts';
import { submit } from '../../../support/tasks.ts';
import { submitDelivery, submitWithStep } from '../../contracts/statuses_requests.ts';
import type { Foreign } from './operations.ts';

/** Whether an answer tells of what is foreign to `text`. */
export const TELLS = /of-b|"example|example\.|errand\.bulk/;

/** What is foreign has a name that some operations have to be about. */
const WORKFLOW = 'example.linear';

/**
 * Tasks of the namespaces `example` and `text` in several states, a runner that can execute both, an audit trail, a
 * pause, a limit, a schedule, a delivery, a disabled callback and a bulk operation that is under way. Gives what is foreign to `text`, once for each of the tasks.
 */
export async function seed(
  pool: Pool,
  api: TestApi,
  operator: Record<string, string>,
): Promise<[Foreign, ...Foreign[]]> {
  await registerRunner(pool, {
    host: 'host',
    pid: 1,
    version: '1.0.0',
    taskNames: ['example.echo', WORKFLOW, 'text.count_words'],
    concurrency: 1,
    leaseSecs: 3_600,
  });
  const open = await submitWithStep(pool, { message: 'open' }, ['of-b']);
  const messages = ['failed', 'cancelled', 'succeeded', 'running'];
  const ofB = messages.map((message) => ({ name: WORKFLOW, payload: { message }, tags: ['of-b'] }));
  const tasks = await submit(pool, ...ofB, { name: 'text.count_words', payload: { text: 'own' } });
  const [failed = '', cancelled = '', succeeded = '', running = ''] = tasks.map(({ id }) => id);
  const ended = 'started_at = now(), finished_at = now(), dispatch_id = null';
  const error = { error_type: 'Error', message: 'of-b', error_code: null, retryable: true, metadata: null };
  const { rows } = await pool.query<{ error_group: string }>(
    `update errand.tasks set state = 'failed', ${ended}, error = $2 where id = $1 returning error_group`,
    [failed, { ...error, stack: null }],
  );
  await pool.query(`update errand.tasks set state = 'succeeded', ${ended}, result = '{}' where id = $1`, [
    succeeded,
  ]);
  await pool.query(`update errand.tasks set state = 'running', started_at = now() where id = $1`, [running]);

  const operate = async (method: string, path: string, body?: unknown): Promise<string> => {
    const answer = await api.call(method, path, body, operator);
    if (answer.status > 202)
      throw new Error(`${method} ${path} was answered ${answer.status}: ${answer.text}`);
    return answer.body.task?.id ?? '';
  };
  await operate('DELETE', `/v1/tasks/${cancelled}?reason=of-b`);
  await operate('PUT', '/v1/queues/example.sleep/pause?reason=of-b');
  // Slowly, so that it is a task of its own: there is no runner that would do it.
  const filter = { tag: 'of-b' };
  const bulk = await operate('POST', '/v1/tasks/cancel', { filter, per_second: 1, reason: 'of-b' });

  const scheduleId = 'example.of-b';
  await operate('PUT', `/v1/schedules/${scheduleId}`, {
    ...{ task: 'example.echo', payload: { message: 'of-b' }, every_seconds: 3_600, tags: ['of-b'] },
  });
  await operate('POST', `/v1/schedules/${scheduleId}/trigger`);

  const limitName = 'example.of-b';
  await pool.query('insert into errand.limits (name, declared_slots) values ($1, 2)', [limitName]);
  await pool.query(
    `insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
     values (errand.uuidv7(), $1, 'of-b', 'example.echo', '1', 0, now(), 0, now(), gen_random_uuid())`,
    [limitName],
  );
  await operate('PUT', `/v1/limits/${limitName}`, { limit: 3, reason: 'of-b' });

  const { stepId } = open;
  const deliveryId = await submitDelivery(pool, open.id);
  const callbackUrl = 'https://of-b.test/';
  await disableCallback(pool, { namespace: 'example', url: callbackUrl, taskId: open.id });
  const kind = {
    stepId,
    deliveryId,
    limitName,
    scheduleId,
    callbackUrl,
    bulkId: bulk,
    name: WORKFLOW,
    namespace: 'example',
    errorGroup: rows[0]?.error_group ?? '',
  };
  return [
    { id: open.id, ...kind },
    ...[failed, cancelled, succeeded, running, bulk].map((id) => ({ id, ...kind })),
  ];
}

/** Everything that is stored, as a digest of each table; but not that somebody watches, which changes nothing. */
export async function everything(pool: Pool): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname in ('errand', 'errand_worker') and tablename <> 'watch' order by 1`,
  );
  const contents = rows.map(async ({ name }) => {
    const { rows: found } = await pool.query<{ digest: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(t::text, '' order by t::text)), '') as digest
         from ${name} t`,
    );
    return [name, found[0]?.digest ?? ''] as const;
  });
  return Object.fromEntries(await Promise.all(contents));
}
