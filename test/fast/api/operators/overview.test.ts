import { expect, test } from 'vitest';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { readWaitingQueues } from '../../../../store/operators/overview.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { ofTasks, scansOf } from '../../../support/plans.ts';
import { submit } from '../../../support/tasks.ts';
import { type Statement, watched } from '../app.ts';
import { fill, fillMany } from '../fill.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });

async function overview(query = '', words = 'ann of *') {
  const { status, body } = await api.call('GET', `/v1/overview${query}`, undefined, as(words));
  expect(status).toBe(200);
  return body;
}

test('of an empty ledger nothing needs anybody', async () => {
  expect(await overview()).toMatchObject({
    errors: {
      open: 0,
      regressed: 0,
      new: 0,
      failed_tasks: 0,
      quarantined_tasks: 0,
      is_truncated: false,
      groups: [],
    },
    queues: [],
    without_runner: [],
    schedules: [],
    pauses: [],
    runners: { live: 0, overdue: 0, blocked: 0, slots: 0, busy: 0 },
  });
});

test('it shows errors that need somebody, with the new ones, and none that somebody has seen to', async () => {
  const now = new Date().toISOString();
  await fill(pool, [
    { name: 'shop.pay', state: 'failed', error: 'long ago', finished: '2026-01-01T00:00:00Z' },
    { name: 'shop.pay', state: 'failed', error: 'just now', finished: now },
    { name: 'shop.pay', state: 'failed', error: 'resolved', finished: '2026-01-01T00:00:00Z' },
    { name: 'text.count', state: 'failed', error: 'killed its runner', finished: now },
    { name: 'text.count', state: 'failed', error: 'dismissed', finished: now },
  ]);
  await pool.query(
    `update errand.tasks set error = error || '{"error_code":"QUARANTINED"}' where error ->> 'message' = 'killed its runner'`,
  );
  await pool.query(
    `update errand.tasks set dismissed_at = finished_at where error ->> 'message' = 'dismissed'`,
  );
  await pool.query(
    `insert into errand.error_groups (error_group, status, actor)
     select error_group, 'resolved', 'user:ann' from errand.tasks where error ->> 'message' = 'resolved'`,
  );
  const { errors } = await overview();
  expect(errors).toMatchObject({ open: 3, regressed: 0, new: 2, failed_tasks: 3, quarantined_tasks: 1 });
  expect(
    errors.groups.map(({ message, is_new }: Record<string, unknown>) => [message, is_new]).sort(),
  ).toEqual([
    ['just now', true],
    ['killed its runner', true],
    ['long ago', false],
  ]);
  expect((await overview('?since=2025-12-31T00:00:00Z')).errors.new).toBe(3);
  expect((await overview('', 'eve of text')).errors).toMatchObject({
    open: 1,
    groups: [{ name: 'text.count' }],
  });
});

test('it shows which queues wait, for which runners and versions', async () => {
  await submit(
    pool,
    { name: 'shop.pay', payload: {}, version: '1.0.0' },
    { name: 'shop.pay', payload: {}, version: '2.0.0' },
    { name: 'shop.ship', payload: {} },
    { name: 'shop.later', payload: {}, delayMs: 3_600_000 },
  );
  await pool.query(`update errand.tasks set run_at = now() - interval '1 hour' where name = 'shop.ship'`);
  await registerRunner(pool, {
    host: 'a',
    pid: 1,
    version: '1',
    taskNames: ['shop.pay'],
    taskVersions: { 'shop.pay': '1.0.0' },
    concurrency: 5,
    leaseSecs: 3_600,
  });
  const { queues, without_runner, runners } = await overview();
  expect(queues).toMatchObject([
    { name: 'shop.ship', waiting: 1, runners: 0, runner_versions: [], is_paused: false },
    {
      name: 'shop.pay',
      waiting: 2,
      waiting_is_capped: false,
      runners: 1,
      waiting_versions: [
        { version: '1.0.0', tasks: 1 },
        { version: '2.0.0', tasks: 1 },
      ],
      runner_versions: [{ version: '1.0.0', runners: 1 }],
    },
  ]);
  expect(queues[0].oldest_wait_ms).toBeGreaterThanOrEqual(3_600_000);
  expect(without_runner).toEqual(['shop.ship']);
  expect(runners).toMatchObject({ live: 1, slots: 5 });
  expect((await overview('', 'eve of text')).queues).toEqual([]);
});

test('it shows pauses and troubled schedules, each only to who may see their namespace', async () => {
  await pool.query(`insert into errand.pauses (target, actor, reason) values ('shop', 'user:ann', 'sale')`);
  await pool.query(
    `insert into errand.schedules (id, task, origin, settings, submission, next_at, due_at, broken, broken_at)
     values ('shop.late', 'shop.pay', 'api', '{}', '{}', now() - interval '1 hour', now() - interval '1 hour', null, null),
            ('shop.soon', 'shop.pay', 'api', '{}', '{}', now() + interval '1 hour', now() + interval '1 hour', null, null),
            ('shop.broken', 'shop.pay', 'api', '{}', '{}', null, null, 'the payload does not fit', now())`,
  );
  const { pauses, schedules, queues } = await overview('', 'eve of shop');
  expect(pauses).toMatchObject([{ target: 'shop', reason: 'sale' }]);
  expect(queues.every(({ is_paused }: { is_paused: boolean }) => is_paused)).toBe(true);
  expect(schedules).toMatchObject([
    { id: 'shop.late', task: 'shop.pay', due_at: expect.any(String), broken: null },
    { id: 'shop.broken', due_at: null, broken: 'the payload does not fit', broken_at: expect.any(String) },
  ]);
  expect(await overview('', 'eve of text')).toMatchObject({ pauses: [], schedules: [], queues: [] });
  const refused = await api.call('GET', '/v1/overview', undefined, as('eve of * may submit'));
  expectError(refused, { status: 403, code: 'FORBIDDEN' });
});

test('it reads a bounded part of a large ledger, by indexes', async () => {
  await fillMany(pool, 20_000);
  const statements: Statement[] = [];
  await readWaitingQueues(
    watched(pool, (statement) => statements.push(statement)),
    null,
  );
  const [statement] = statements;
  if (statement === undefined) throw new Error('nothing was sent');
  const { read, scans } = ofTasks(await scansOf(pool, statement));
  expect(scans).not.toContain('Seq Scan');
  expect(read).toBeLessThan(500);
});
