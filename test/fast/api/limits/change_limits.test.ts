import { describe, expect, test } from 'vitest';
import { defineLimit } from '../../../../core/limits/define_limit.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { limited, stateOf } from '../../limits/limited.ts';
import { expectError } from '../ledger.ts';
import { auditOf, settled, startHeld, startLimitApi } from './limits.ts';

const api = await startLimitApi();
const { pool, put, get, call } = api;

const many = (count: number, name: string, payload: { key?: string } = {}) =>
  Array.from({ length: count }, () => ({ name, payload }));

describe('PUT /v1/limits/{limit_name} (Q7)', () => {
  test('200: a larger value starts those that wait at once, and a smaller one ends nothing', async () => {
    const runner = await startHeld(pool, [limited('set.x', 2)]);
    await submit(pool, ...many(10, 'set.x'));
    await settled(pool, 'set.x', 2, 8);
    const larger = await put('set.x', { limit: 5, reason: 'a second printer' });
    expect(larger).toMatchObject({
      status: 200,
      body: {
        changed: true,
        message: 'set.x is 5 (declared: 2)',
        limit: {
          name: 'set.x',
          kind: 'concurrency',
          limit: 5,
          declared: 2,
          paused: false,
          definitions: ['set.x'],
          setting: {
            has_limit: true,
            limit: 5,
            paused: false,
            actor: 'anonymous',
            reason: 'a second printer',
          },
        },
      },
    });
    await settled(pool, 'set.x', 5, 5);
    await put('set.x', { limit: 1 });
    expect(await stateOf(pool, 'set.x')).toEqual({ slots: 5, waits: 5 });
    for (let ended = 0; ended < 4; ended++) runner.letOneGo();
    await settled(pool, 'set.x', 1, 5);
    runner.letOneGo();
    await settled(pool, 'set.x', 1, 4);
    runner.letAllGo();
    await settled(pool, 'set.x', 0, 0);
  });

  test('200: with null nothing limits it, and its slots are known when it is limited again', async () => {
    const runner = await startHeld(pool, [limited('free.x', 1)]);
    await submit(pool, ...many(12, 'free.x'));
    await settled(pool, 'free.x', 1, 11);
    expect((await put('free.x', { limit: null })).body).toMatchObject({
      message: 'free.x has no limit (declared: 1)',
      limit: { limit: null, declared: 1, setting: { has_limit: true, limit: null } },
    });
    await settled(pool, 'free.x', 12, 0);
    await put('free.x', { limit: 3 });
    await submit(pool, ...many(2, 'free.x'));
    await settled(pool, 'free.x', 12, 2);
    for (let ended = 0; ended < 10; ended++) runner.letOneGo();
    await settled(pool, 'free.x', 3, 1);
  });

  test('200: in a pause nothing starts and nothing is ended; the end of the pause starts those that wait', async () => {
    const runner = await startHeld(pool, [limited('held.x', 2)]);
    await submit(pool, ...many(4, 'held.x'));
    await settled(pool, 'held.x', 2, 2);
    const paused = await put('held.x', { paused: true, reason: 'no paper' });
    expect(paused.body).toMatchObject({
      changed: true,
      message: 'held.x is 2, and is paused: nothing starts under it until it is resumed',
      limit: {
        limit: 2,
        paused: true,
        setting: { has_limit: false, limit: null, paused: true, reason: 'no paper' },
      },
    });
    runner.letOneGo();
    runner.letOneGo();
    await settled(pool, 'held.x', 0, 2);
    // Also none that comes now.
    await submit(pool, ...many(1, 'held.x'));
    await settled(pool, 'held.x', 0, 3);
    expect((await put('held.x', { paused: false })).body).toMatchObject({
      limit: { paused: false, setting: null },
    });
    await settled(pool, 'held.x', 2, 1);
  });

  test('200: a value that is set in a pause holds after it', async () => {
    await startHeld(pool, [limited('both.x', 1)]);
    await put('both.x', { paused: true });
    await submit(pool, ...many(4, 'both.x'));
    await settled(pool, 'both.x', 0, 4);
    await put('both.x', { limit: 3 });
    expect(await stateOf(pool, 'both.x')).toEqual({ slots: 0, waits: 4 });
    await put('both.x', { paused: false });
    await settled(pool, 'both.x', 3, 1);
  });

  test('200: the value of a limit with keys holds for each key, and all keys are called', async () => {
    await startHeld(pool, [limited('keys.x', { limit: 1, key: ({ key }) => key ?? 'none' })]);
    await submit(
      pool,
      ...['a', 'b', '*', "'; drop table errand.tasks"].flatMap((key) => many(4, 'keys.x', { key })),
    );
    await settled(pool, 'keys.x:key', 4, 12);
    expect((await put('keys.x:key', { limit: 3 })).body.message).toBe(
      'keys.x:key is 3 for each key (declared: 1)',
    );
    await settled(pool, 'keys.x:key', 12, 4);
  });

  test('200: a value outlives the deployment of another one, and of none', async () => {
    const shared = (limit: number) => [
      limited('deployed.x', defineLimit({ name: 'deployed.printer', limit })),
    ];
    await registerDefinitions(pool, shared(2));
    await put('deployed.printer', { limit: 7, reason: 'kept' });
    await registerDefinitions(pool, [
      limited('deployed.x', defineLimit({ name: 'deployed.printer', limit: 4 }), '2.0.0'),
    ]);
    expect((await get('deployed.printer')).body).toMatchObject({ limit: 7, declared: 4 });
    await registerDefinitions(pool, [limited('deployed.x', 9, '3.0.0')]);
    const gone = (await get('deployed.printer')).body;
    expect(gone).toMatchObject({ limit: null, declared: null, definitions: [], setting: { limit: 7 } });
    // Meanwhile it limits nothing.
    const { rows } = await pool.query(`select slots from errand.limits where name = 'deployed.printer'`);
    expect(rows[0].slots).toBeGreaterThan(100_000);
    await registerDefinitions(pool, [
      limited('deployed.x', defineLimit({ name: 'deployed.printer', limit: 4 }), '4.0.0'),
    ]);
    expect((await get('deployed.printer')).body).toMatchObject({
      limit: 7,
      declared: 4,
      setting: { reason: 'kept' },
    });
  });

  test('200: the same again changes nothing, and is not audited', async () => {
    await registerDefinitions(pool, [limited('twice.x', 2)]);
    await put('twice.x', { limit: 3, paused: true, reason: 'first' });
    const again = await put('twice.x', { limit: 3, paused: true, reason: 'second' });
    expect(again.body).toMatchObject({
      changed: false,
      message:
        'twice.x was so already: it is 3 (declared: 2), and is paused: nothing starts under it until it is resumed',
      limit: { setting: { reason: 'first' } },
    });
    expect(await auditOf(pool, 'twice.x')).toHaveLength(1);
  });

  test('400: what is no value of a limit is refused with its place', async () => {
    await registerDefinitions(pool, [limited('bad.x', 2)]);
    const cases: [unknown, string][] = [
      [{}, '/body'],
      [{ reason: 'only' }, '/body'],
      [{ limit: 0 }, '/body/limit'],
      [{ limit: -1 }, '/body/limit'],
      [{ limit: 1.5 }, '/body/limit'],
      [{ limit: 100_001 }, '/body/limit'],
      [{ limit: '5' }, '/body/limit'],
      ['{"limit":1e400}', '/body/limit'],
      [{ paused: null }, '/body/paused'],
      [{ limit: 5, other: 1 }, '/body/other'],
      [{ limit: 5, reason: 'x'.repeat(1_001) }, '/body/reason'],
      [[], '/body'],
    ];
    for (const [body, path] of cases) {
      const answer = await call('PUT', '/v1/limits/bad.x', body, { 'content-type': 'application/json' });
      expect([body, answer.status, answer.body.code]).toEqual([body, 400, 'VALIDATION_FAILED']);
      expect(answer.body.details.map((one: { path: string }) => one.path)).toContain(path);
    }
    expect((await put('bad.x', 'no json')).status).toBe(400);
    expect(await auditOf(pool, 'bad.x')).toEqual([]);
  });

  test('404: nothing has this name, however it is written', async () => {
    for (const name of ['nothing.x', 'bad.x:other', "a.x';--", 'a.%00', '%E2%82%AC.x', 'errand', '..%2f..'])
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const { status } = await call(
          method,
          `/v1/limits/${name}`,
          method === 'PUT' ? { limit: 1 } : undefined,
        );
        expect([400, 404]).toContain(status);
      }
    expectError(await put('nothing.x', { limit: 1 }), { status: 404, code: 'NOT_FOUND' });
  });
});

describe('DELETE /v1/limits/{limit_name} (Q7)', () => {
  test('200: removes the value and the pause, and starts those that wait', async () => {
    const runner = await startHeld(pool, [limited('reset.x', 3)]);
    await put('reset.x', { limit: 1, paused: true });
    await submit(pool, ...many(5, 'reset.x'));
    await settled(pool, 'reset.x', 0, 5);
    expect((await call('DELETE', '/v1/limits/reset.x?reason=over')).body).toEqual({
      name: 'reset.x',
      changed: true,
      message: 'reset.x is what its definitions declare again: 3',
    });
    await settled(pool, 'reset.x', 3, 2);
    expect((await get('reset.x')).body).toMatchObject({ limit: 3, setting: null });
    expect((await call('DELETE', '/v1/limits/reset.x')).body).toMatchObject({
      changed: false,
      message: 'Nothing was set for reset.x',
    });
    runner.letAllGo();
    await settled(pool, 'reset.x', 0, 0);
  });

  test('200: of a limit that no definition has any more removes it', async () => {
    await registerDefinitions(pool, [limited('removed.x', 2)]);
    await put('removed.x', { limit: 5 });
    await registerDefinitions(pool, [limited('removed.x', { limit: 1, key: () => 'a' }, '2.0.0')]);
    expect((await call('DELETE', '/v1/limits/removed.x')).body.message).toBe(
      'removed.x is gone, because no definition has it',
    );
    expectError(await get('removed.x'), { status: 404, code: 'NOT_FOUND' });
    expectError(await call('DELETE', '/v1/limits/removed.x'), { status: 404, code: 'NOT_FOUND' });
  });
});

test('the answer to a change comes after the calls of those that wait, without any runner', async () => {
  await registerDefinitions(pool, [limited('called.x', 1)]);
  await put('called.x', { paused: true });
  const tasks = await submit(pool, ...many(3, 'called.x'));
  await pool.query(
    `insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
     select id, name, '', name, version, priority, run_at, priority, run_at, dispatch_id
       from errand.tasks where id = any ($1)`,
    [tasks.map(({ id }) => id)],
  );
  await pool.query(
    `insert into errand.limit_turns (limit_name, turn_key, last_turn) values ('called.x', '', now())`,
  );
  const called = async () => {
    const { rows } = await pool.query<{ called: number }>(
      `select count(called_at)::integer as called from errand.limit_waits where limit_name = 'called.x'`,
    );
    return rows[0]?.called;
  };
  await put('called.x', { limit: 2 });
  expect(await called()).toBe(0);
  await put('called.x', { paused: false });
  expect(await called()).toBe(2);
  await put('called.x', { limit: null });
  expect(await called()).toBe(3);
});

test('each change is in the audit trail with what was before and after', async () => {
  await registerDefinitions(pool, [limited('audited.x', 2)]);
  await put('audited.x', { limit: 5, reason: 'more' });
  await put('audited.x', { paused: true, reason: 'stop' });
  await put('audited.x', { paused: false });
  await put('audited.x', { limit: null });
  await call('DELETE', '/v1/limits/audited.x?reason=over');
  const of = (limit: number | null, paused = false) => ({ limit, paused });
  expect(await auditOf(pool, 'audited.x')).toMatchObject([
    {
      action: 'set_limit',
      actor: 'anonymous',
      namespace: 'audited',
      reason: 'more',
      details: { before: of(2), after: of(5) },
    },
    { action: 'pause_limit', reason: 'stop', details: { before: of(5), after: of(5, true) } },
    { action: 'resume_limit', reason: null, details: { before: of(5, true), after: of(5) } },
    { action: 'set_limit', details: { before: of(5), after: of(null) } },
    { action: 'reset_limit', reason: 'over', details: { before: of(null), after: of(2) } },
  ]);
});

test('many changes at one moment and deployments beside them leave the last one, and nobody waits while there is room', async () => {
  const runner = await startHeld(pool, [limited('fought.x', 1)]);
  runner.letAllGo();
  const changes = Array.from({ length: 12 }, (_, index) => [
    put('fought.x', index % 3 === 0 ? { paused: index % 2 === 0 } : { limit: (index % 4) + 1 }),
    registerDefinitions(pool, [limited('fought.x', (index % 3) + 1, `1.0.${index + 1}`)]),
    submit(pool, ...many(5, 'fought.x')),
  ]);
  await Promise.all(changes.flat());
  await put('fought.x', { paused: false });
  await settled(pool, 'fought.x', 0, 0);
  await until('all ended', async () => {
    const { rows } = await pool.query(
      `select count(*)::integer as open from errand.tasks where name = 'fought.x' and finished_at is null`,
    );
    return rows[0].open === 0;
  });
});
