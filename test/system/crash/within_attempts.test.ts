import type { Pool } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { defineTask } from '../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { builtinHandlers } from '../../../runner/builtin/registered_handlers.ts';
import { openPool } from '../../../store/database/pool.ts';
import { fill } from '../../fast/api/fill.ts';
import { answering, deliveriesDone, SECRETS, startReceiver } from '../../fast/callbacks/receiver.ts';
import { registeredHandlersOf, submitWorkflow } from '../../fast/workflows/workflows.ts';
import { createDatabase } from '../../support/database.ts';
import { startProxy, type TcpProxy } from '../../support/network/proxy.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished, outcomes, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

// Trouble with Postgres while Errand's own statement runs within an attempt is not the attempt's failure.

const { url, pool } = await createDatabase();

const number = z.strictObject({ value: z.number() });
const base = { version: '1.0.0', description: 'For tests', payload: number, example: { value: 1 } };
const twice = defineTask({ ...base, name: 'within.twice', result: number });
const adding = defineWorkflow({
  ...base,
  name: 'within.adding',
  steps: {
    each: step({ map: twice }),
    one: step({ run: twice }),
    sum: step({ after: ['each', 'one'], result: number }),
  },
});
const code = defineSteps(adding, {
  steps: {
    each: { payloads: ({ payload: { value } }) => [{ value }, { value: value + 1 }] },
    one: { payload: ({ payload }) => payload },
    sum: {
      handler: (_payload, { results: { each, one } }) => ({
        value: each.reduce((sum, { value }) => sum + value, one.value),
      }),
    },
  },
});

/** A pool of a runner on the way over a proxy, as the given role or as ours. */
async function throughProxy(role?: {
  name: string;
  password: string;
}): Promise<{ proxy: TcpProxy; proxied: Pool }> {
  const proxy = await startProxy(url);
  const target = new URL(proxy.url);
  if (role !== undefined) Object.assign(target, { username: role.name, password: role.password });
  const proxied = openPool({
    connectionString: target.href,
    applicationName: 'within',
    size: 10,
    statementTimeoutMs: 20_000,
    onError: () => {},
  });
  onTestFinished(() => proxied.end());
  return { proxy, proxied };
}

async function startWithin(proxied: Pool): Promise<void> {
  const options = { allowPrivate: true, secrets: SECRETS };
  await startTestRunner(proxied, {
    registeredHandlers: new Map([
      ...registeredHandlersOf(proxied, adding, code),
      registeredHandler(twice, ({ value }) => ({ value: value * 2 })),
      ...builtinHandlers(proxied, options),
    ]),
  });
}

/** Has the answers to the first statements of a name get lost. Gives how often it happened. */
function loseAnswers(proxy: TcpProxy, statement: string, times: number): () => number {
  let lost = 0;
  const before = proxy.onSend;
  proxy.onSend = (connection) => {
    before(connection);
    if (lost === times || !connection.lastSent().includes(statement)) return;
    lost++;
    connection.loseAnswer();
  };
  return () => lost;
}

/** Every attempt of the tree of a workflow. */
async function attemptsOf(id: string): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    `with recursive tree as (
       select id from errand.tasks where id = $1
       union all
       select t.id from errand.tasks t join tree on t.parent_id = tree.id)
     select id from tree`,
    [id],
  );
  const all = await Promise.all(rows.map((row) => outcomes(pool, row.id)));
  return new Set(all.flat().map(String));
}

test('connections that are reset while a workflow reads what its steps came to fail nothing', async () => {
  const { proxy, proxied } = await throughProxy();
  const lost = loseAnswers(proxy, 'read_children', 6);
  await startWithin(proxied);
  const { id } = await submitWorkflow(pool, adding, { value: 3 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, result: { value: 20 } });
  expect(lost()).toBe(6);
  expect(await attemptsOf(id)).toEqual(new Set(['1,succeeded']));
});

test('a role that may open no more connections while a workflow reads fails nothing', async () => {
  const role = { name: new URL(url).pathname.slice(1), password: 'limited' };
  await pool.query(
    `create role ${role.name} login password '${role.password}' in role ${new URL(url).username}`,
  );
  onTestFinished(async () => {
    await pool.query(`drop role ${role.name}`);
  });
  const { proxy, proxied } = await throughProxy(role);
  await startWithin(proxied);
  let limited: Promise<unknown> | undefined;
  let refused = 0;
  proxy.onSend = (connection) => {
    const sent = connection.lastSent();
    if (limited !== undefined && sent.includes('application_name')) refused++;
    if (limited !== undefined || !sent.includes('read_children')) return;
    limited = pool.query(`alter role ${role.name} connection limit 0`).then(proxy.resetAll);
  };
  const { id } = await submitWorkflow(pool, adding, { value: 3 });
  await until('connections were refused again and again', () => refused > 20);
  await limited;
  await pool.query(`alter role ${role.name} connection limit -1`);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, result: { value: 20 } });
  expect(await attemptsOf(id)).toEqual(new Set(['1,succeeded']));
});

test('a bulk operation whose answers get lost does each task once, and counts right', async () => {
  const { proxy, proxied } = await throughProxy();
  const lost = ['count_changed', 'audit', 'retry_tasks'].map((name) => loseAnswers(proxy, name, 2));
  const row = {
    name: 'within.gone',
    state: 'failed' as const,
    error: 'no',
    finished: '2026-01-01T00:00:00Z',
  };
  await fill(
    pool,
    Array.from({ length: 1_200 }, () => row),
  );
  await startWithin(proxied);
  const filter = { name: 'within.gone', states: ['failed'] };
  const payload = { action: 'retry', filter, limit: 1_100, actor: 'ann', matched: 1_200 };
  const { id } = await submitOne(pool, { name: 'errand.bulk', payload });
  expect(await finished(pool, id)).toMatchObject({
    state: 'succeeded',
    attempt: 1,
    result: { changed: 1_100 },
  });
  expect(lost[0]?.()).toBe(2);
  expect(lost[2]?.()).toBe(2);
  const { rows } = await pool.query(
    `select count(*) as rows, count(distinct task_id) as tasks from errand.audit where task_id is not null`,
  );
  expect(rows).toEqual([{ rows: 1_100, tasks: 1_100 }]);
});

test('a callback is delivered once though connections are reset around it', async () => {
  const { proxy, proxied } = await throughProxy();
  const lost = ['read_endpoint', 'disable_callback'].map((name) => loseAnswers(proxy, name, 2));
  const receiver = await startReceiver(answering(410));
  await startWithin(proxied);
  const { id } = await submitOne(pool, {
    name: 'within.twice',
    payload: { value: 1 },
    callbackUrl: receiver.url,
  });
  const [delivery] = await deliveriesDone(pool, id, 1);
  expect(delivery).toMatchObject({ state: 'failed' });
  expect(receiver.received()).toHaveLength(1);
  expect(lost.map((count) => count())).toEqual([2, 2]);
});
