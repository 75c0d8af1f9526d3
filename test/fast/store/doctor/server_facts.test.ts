import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { judgeBlockers, judgeHolders } from '../../../../doctor/server.ts';
import { judgeConnections, judgeSettings } from '../../../../doctor/settings.ts';
import { makeRoles } from '../../../../store/database/roles.ts';
import { examineWay, serverAddress } from '../../../../store/doctor/pooler.ts';
import { readRights } from '../../../../store/doctor/rights.ts';
import {
  measureClock,
  readBlockers,
  readHolders,
  readServerFacts,
} from '../../../../store/doctor/server_facts.ts';
import { createDatabase, openTestPool } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';

const { pool, url } = await createDatabase();
const database = new URL(url).pathname.slice(1);

/** A role that may log in, removed at the end of the test; and a pool of it. */
async function asRole(): Promise<{ role: string; of: ReturnType<typeof openTestPool> }> {
  const role = `doctor_${randomBytes(6).toString('hex')}`;
  await pool.query(`create role ${role} login password 'secret'`);
  const roleUrl = Object.assign(new URL(url), { username: role, password: 'secret' });
  const of = openTestPool(roleUrl.href);
  onTestFinished(async () => {
    await pool.query(`drop owned by ${role}; drop role ${role}`);
  });
  return { role, of };
}

/** A session that stays open until the end of the test. */
async function session(application: string, ...statements: string[]): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: application });
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end());
  for (const statement of statements) await client.query(statement);
  return client;
}

test('settings of a role and of a database are found, with the place where each was set', async () => {
  const { role, of } = await asRole();
  await pool.query(`
    alter role ${role} set synchronous_commit = off;
    alter role ${role} in database ${database} set row_security = off;
    alter database ${database} set statement_timeout = '30ms';
    alter role ${role} set enable_indexscan = off;
    -- Each session of Errand sets these itself.
    alter role ${role} set default_transaction_isolation = serializable;
    alter role ${role} set idle_session_timeout = '1s';
    alter role ${role} set search_path = nowhere`);
  onTestFinished(async () => {
    await pool.query(`alter database ${database} reset all`);
  });
  const findings = judgeSettings(await readServerFacts(of));
  // The server of the tests has fsync, full pages and autovacuum off.
  const ours = findings.filter(
    ({ subject }) => !['fsync', 'full_page_writes', 'autovacuum'].includes(String(subject)),
  );
  expect(ours.map(({ subject, message }) => [subject, /\(([^)]*)\)/.exec(message)?.[1]])).toEqual([
    ['row_security', 'set for this role in this database'],
    ['statement_timeout', 'set for this database'],
    ['synchronous_commit', 'set for this role'],
    ['enable_indexscan', 'set for this role'],
  ]);
});

test('a limit of connections of the role is found', async () => {
  const { role, of } = await asRole();
  await pool.query(`alter role ${role} connection limit 4`);
  const facts = await readServerFacts(of);
  expect(facts).toMatchObject({ role, roleLimit: 4, databaseLimit: null });
  expect(judgeConnections(facts, { api: 16, runner: 12 })[0]?.message).toContain(
    `${role} may have 4 connections`,
  );
});

test('a long transaction is found with its session, and one that has only begun is not', async () => {
  await session('forgotten', 'begin isolation level repeatable read', 'select 1');
  const found = await until('it is old enough', async () => {
    const holders = await readHolders(pool, 0.1);
    return holders.find(({ application }) => application === 'forgotten') ?? false;
  });
  expect(found).toMatchObject({ kind: 'transaction', state: 'idle in transaction' });
  expect(judgeHolders([found])[0]?.message).toContain('"forgotten"');
  expect((await readHolders(pool, 3_600)).some(({ application }) => application === 'forgotten')).toBe(false);
});

test('a session that locks a table is found, before and while others wait for it', async () => {
  const holder = await session('maintenance', 'begin', 'lock table errand.tasks');
  const found = async (): Promise<Awaited<ReturnType<typeof readBlockers>>[number] | false> =>
    (await readBlockers(pool, 0.1)).find(({ application }) => application === 'maintenance') ?? false;
  expect(await until('it is old enough', found)).toMatchObject({ what: ['errand.tasks'], waiting: 0 });
  const waiter = await session('errand runner');
  const waiting = waiter.query('select count(*) from errand.tasks');
  const blocked = await until('one waits', async () => {
    const blocker = await found();
    return blocker !== false && blocker.waiting === 1 ? blocker : false;
  });
  expect(judgeBlockers([blocked])[0]).toMatchObject({
    code: 'locked',
    severity: 'error',
    subject: 'errand.tasks',
  });
  await holder.query('rollback');
  await waiting;
  expect(await readBlockers(pool, 0.1)).toEqual([]);
});

test('a session that locks a row of a runner is found while its heartbeat waits', async () => {
  const { rows } = await pool.query<{ id: number }>(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs) values ('h', 1, '1', '{}', 1, 15) returning id`,
  );
  const holder = await session(
    'psql',
    'begin',
    `select from errand.runners where id = ${rows[0]?.id} for update`,
  );
  const waiter = await session('errand runner');
  const waiting = waiter.query(`update errand.runners set heartbeat_at = now() where id = ${rows[0]?.id}`);
  const blocked = await until('it waits', async () => {
    const blockers = await readBlockers(pool, 0.1);
    return blockers.find(({ application }) => application === 'psql') ?? false;
  });
  expect(blocked).toMatchObject({ what: ['a row'], waiting: 1 });
  await holder.query('rollback');
  await waiting;
});

test('the owner has all rights; a role has those that were granted, and lacks each that is revoked', async () => {
  expect(await readRights(pool)).toMatchObject({ otherOwners: [], missing: { api: [], runner: [] } });
  const { role, of } = await asRole();
  const none = await readRights(of);
  expect(none.missing.api).toContain('usage on schema errand');
  await makeRoles(pool, { owner: null, api: role, runner: null, submitters: [] });
  const api = await readRights(of);
  expect(api.missing.api).toEqual([]);
  expect(api.missing.runner).toContain('delete on errand.tasks');
  expect(api.otherOwners).toEqual(['errand']);
  await pool.query(
    `revoke update on errand.tasks from ${role}; drop policy ${role} on errand_worker._private_jobs`,
  );
  expect((await readRights(of)).missing.api).toEqual([
    'a policy on errand_worker._private_jobs',
    'update on errand.tasks',
  ]);
  await makeRoles(pool, { owner: null, api: null, runner: role, submitters: [] });
  expect((await readRights(of)).missing.runner).toEqual([]);
});

test('objects of several owners are seen', async () => {
  const { role } = await asRole();
  await pool.query(
    `grant usage, create on schema errand to ${role}; alter table errand.pauses owner to ${role}`,
  );
  onTestFinished(async () => {
    await pool.query('alter table errand.pauses owner to errand');
  });
  expect((await readRights(pool)).owners).toEqual([role, 'errand'].sort());
});

test('a direct way is seen as one, and a notification arrives on it', async () => {
  expect(await examineWay({ connectionString: url }, true)).toMatchObject({
    pooling: 'direct',
    isNotified: true,
  });
  expect(await examineWay({ connectionString: url }, false)).toMatchObject({ isNotified: null });
  expect(serverAddress({ connectionString: url })).toEqual({
    host: '127.0.0.1',
    port: Number(new URL(url).port),
  });
});

test('the clocks of one machine agree within the exactness of the measurement', async () => {
  const { aheadMs, exactToMs } = await measureClock(pool);
  expect(Math.abs(aheadMs)).toBeLessThan(exactToMs + 2);
});
