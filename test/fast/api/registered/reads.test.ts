import type { Pool } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limitDepth } from '../../../../api/capacity/backpressure.ts';
import { queueNames } from '../../../../api/registered/queue_names.ts';
import { createRegisteredTasks, type RegisteredTasks } from '../../../../api/registered/registered_tasks.ts';
import { createRegistry } from '../../../../core/registry.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { scansOf } from '../../../support/plans.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { type Statement, startOwnApi, watched } from '../app.ts';
import { textTask } from '../definitions.ts';
import { invoice, OTHER, OWN, registerOf } from './pool.ts';

const { pool } = await createDatabase();
const own = textTask('shop.pack', {});
const registry = createRegistry([own]);
await registerOf(pool, OWN, [own]);
await registerOf(pool, OTHER, [invoice, textTask('billing.broken', {}), textTask('billing.bent', {})]);

type Watched = { view: Pool; statements: Statement[] };

function watch(): Watched {
  const statements: Statement[] = [];
  return { view: watched(pool, (one) => void statements.push(one)), statements };
}

const reads = ({ statements }: Watched): Statement[] =>
  statements.filter(({ name }) => name === 'read_registered' || name === 'list_registered');

/** Their clock stands still, unless a test moves it. */
function tasksOf(view: Pool, clock = (): number => 0): RegisteredTasks {
  const log = { warn() {} };
  return createRegisteredTasks({ database: view, reads: view, registry, project: OWN, log, clock });
}

describe('what it costs', () => {
  test('is nothing for a name that the API has', async () => {
    const seen = watch();
    const api = await startApi(seen.view, { registry, project: OWN });
    const answer = await api.call('POST', '/v1/tasks/shop.pack', { payload: { text: 'a' } });
    expect([answer.status, reads(seen)]).toEqual([201, []]);
  });

  test('is one read for a name that it lacks, whoever asks for it within two seconds', async () => {
    const seen = watch();
    let now = 0;
    const tasks = tasksOf(seen.view, () => now);
    const found = await Promise.all(Array.from({ length: 50 }, () => tasks.find(invoice.name)));
    expect(new Set(found.map((one) => one?.version))).toEqual(new Set(['2.0.0']));
    now = 1_999;
    expect(await tasks.find(invoice.name)).toBe(found[0]);
    expect(reads(seen)).toHaveLength(1);
    now = 2_000;
    expect(await tasks.find(invoice.name)).not.toBe(found[0]);
    expect(reads(seen)).toHaveLength(2);
  });

  test('is a few statements for a flood of unknown names, one after the other', async () => {
    const seen = watch();
    const tasks = tasksOf(seen.view);
    const names = Array.from({ length: 5_000 }, (_none, index) => `flood.n${index}`);
    const found = await Promise.all(names.map(tasks.find));
    expect(found.every((one) => one === undefined)).toBe(true);
    expect(reads(seen).length).toBeLessThanOrEqual(11);
    // The suggestions are read once for all of them.
    await Promise.all(names.slice(0, 100).map(() => tasks.names()));
    expect(reads(seen).filter(({ name }) => name === 'list_registered')).toHaveLength(1);
  });

  test('is nothing for what cannot be a name', async () => {
    const seen = watch();
    const tasks = tasksOf(seen.view);
    for (const name of ['', 'plain', 'A.b', '__proto__', `a.${'b'.repeat(127)}`])
      expect(await tasks.find(name)).toBeUndefined();
    expect(seen.statements).toEqual([]);
  });

  test('is the row of that name, however many there are', async () => {
    await pool.query(
      `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy, owner)
       select 'many.n' || n, 'many', '1', 'h', '{}', '{}', $1 from generate_series(1, 3000) n`,
      [OTHER],
    );
    await pool.query('analyze errand.definitions');
    const seen = watch();
    await tasksOf(seen.view).find('many.n77');
    const [statement] = reads(seen);
    const scans = await scansOf(pool, statement as Statement);
    const definitions = scans.filter(({ table }) => table === 'definitions');
    expect(definitions.map(({ read }) => read)).toEqual([1]);
  });
});

test('a failed read is not kept', async () => {
  let fails = true;
  const failing = new Proxy(pool, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      if (property === 'query' && fails) return () => Promise.reject(new Error('away'));
      return value.bind(target);
    },
  });
  const tasks = tasksOf(failing);
  await expect(tasks.find(invoice.name)).rejects.toThrow('away');
  expect(await tasks.names()).toEqual([]);
  fails = false;
  expect((await tasks.find(invoice.name))?.name).toBe(invoice.name);
});

describe('a registered schema that cannot be compiled', () => {
  test.each([
    ['billing.broken', { type: 'object', properties: { text: { pattern: '(' } } }],
    ['billing.bent', { type: 'object', $ref: '#/$defs/nowhere' }],
  ])('of %s leaves its payloads to the runner, and is logged once', async (name, schema) => {
    await pool.query(
      `update errand.definitions set payload_schema = $2, schema_hash = $1 || 'hash' where name = $1`,
      [name, schema],
    );
    const api = await startOwnApi(pool, { registry, project: OWN });
    const send = (payload: unknown) => api.call('POST', `/v1/tasks/${name}`, { payload, dedup: 'none' });
    expect((await send({ text: 1 })).status).toBe(201);
    expect((await send({ more: 1 })).status).toBe(201);
    expect((await send({ text: 'a\u0000' })).status).toBe(400);
    const logged = api.lines.filter(({ task_name }) => task_name === name);
    expect(logged).toMatchObject([{ msg: expect.stringContaining('cannot be compiled') }]);
  });
});

test('a registration of another Errand, with parts that this one does not know, is used as far as it goes', async () => {
  await pool.query(
    `update errand.definitions
        set policy = '{"rate": {"limit": 1}, "priority": "high", "dedup": {"strategy": "fuzzy"}}'
      where name = 'billing.bent'`,
  );
  expect((await tasksOf(pool).find('billing.bent'))?.policy).toEqual({
    priority: 0,
    maxAttempts: 25,
    dedup: { strategy: 'payload' },
  });
});

test('too many waiting tasks of another repository are refused, like own ones', async () => {
  await submit(pool, ...Array.from({ length: 3 }, () => ({ name: invoice.name, payload: { number: 1 } })));
  const backpressure = limitDepth({
    database: pool,
    names: queueNames(registry, OWN),
    limit: 2,
    log: { warn() {} } as never,
  });
  onTestFinished(() => backpressure.close());
  await until('the namespace is full', () => {
    try {
      backpressure.admit('billing');
      return false;
    } catch {
      return true;
    }
  });
});
