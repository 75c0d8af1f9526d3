import { beforeEach, describe, expect, test } from 'vitest';
import { stopClock } from '../../../support/schedule_clock.ts';
import { readSchedule, storeSchedule } from '../../../support/schedules.ts';
import { expectError } from '../ledger.ts';
import { as } from '../principals.ts';
import { auditOf, NIGHTLY, startScheduleApi } from './schedules.ts';

const api = await startScheduleApi();
const { pool, put } = api;

beforeEach(() => stopClock(pool, '2026-03-10T12:00:00Z'));

/** Everything that a refused request must leave as it was. */
async function everything(): Promise<unknown> {
  const { rows } = await pool.query(
    `select (select json_agg(s order by id) from errand.schedules s) as schedules,
            (select count(*) from errand.audit) as audit, (select count(*) from errand.tasks) as tasks`,
  );
  return rows[0];
}

describe('PUT /v1/schedules/{schedule_id} answers 201 for a new schedule', () => {
  test('with its settings and defaults, its timing in words and its next times in its zone', async () => {
    const { status, body, headers } = await put('billing.new', NIGHTLY);
    expect([status, headers.get('location')]).toEqual([201, '/v1/schedules/billing.new']);
    expect(body).toMatchObject({
      created: true,
      changed: true,
      message: 'billing.new was made: it runs next at 2026-03-11T02:30:00+01:00',
      schedule: {
        ...{ id: 'billing.new', task: 'billing.send_invoice', namespace: 'billing', origin: 'api' },
        ...{ state: 'active', paused: null, broken: null, last_at: null, held_for: null, revision: 1 },
        ...{ in_words: 'every day at 02:30 in Europe/Berlin', next_at: '2026-03-11T01:30:00.000Z' },
        ...{ created_at: '2026-03-10T12:00:00.000Z', updated_at: '2026-03-10T12:00:00.000Z' },
        settings: { ...NIGHTLY, every_seconds: null, catch_up: 'last', overlap: 'skip', tags: [] },
      },
    });
    expect(body.schedule.next_times).toHaveLength(10);
    // The last ones are after the spring night.
    expect(body.schedule.next_times[0].local).toBe('2026-03-11T02:30:00+01:00');
  });

  test('with the ready submission, the hash of the definition and the time when it is due', async () => {
    await put('billing.ready', { ...NIGHTLY, tags: ['a'], priority: 3, max_attempts: 2 });
    const { rows } = await pool.query(
      `select s.submission, s.due_at, s.schema_hash = d.schema_hash as "isHash"
         from errand.schedules s join errand.definitions d on d.name = s.task where s.id = 'billing.ready'`,
    );
    expect(rows).toEqual([
      {
        submission: {
          ...{ name: 'billing.send_invoice', version: '1.0.0', priority: 3, max_attempts: 2, tags: ['a'] },
          ...{ submitted_by: 'schedule:billing.ready', schedule_id: 'billing.ready', dedup: 'schedule' },
        },
        due_at: '2026-03-11T01:30:00.000Z',
        isHash: true,
      },
    ]);
  });

  test('with an audit row, and runners hear of it', async () => {
    const client = await pool.connect();
    const heard: string[] = [];
    client.on('notification', ({ payload = '' }) => heard.push(payload));
    await client.query('listen errand_schedule');
    await put('billing.told', NIGHTLY, '?reason=asked');
    await client.query('select 1');
    client.removeAllListeners('notification');
    await client.query('unlisten *');
    client.release();
    expect(heard).toEqual(['billing.told']);
    expect(await auditOf(pool, 'billing.told')).toEqual([
      {
        ...{ action: 'put_schedule', actor: 'anonymous', namespace: 'billing', reason: 'asked' },
        ...{ details: { created: true }, hasTask: false },
      },
    ]);
  });

  test('and never with a time of the past, whatever its catch-up', async () => {
    await stopClock(pool, '2026-03-10T12:00:30Z');
    const { body } = await put('billing.minutes', {
      ...{ task: 'billing.send_invoice', payload: { customer: 'c' } },
      ...{ every_seconds: 60, starts_at: '2020-01-01T00:00:00Z', catch_up: 'all', overlap: 'allow' },
    });
    expect(body.schedule.next_at).toBe('2026-03-10T12:01:00.000Z');
  });
});

describe('PUT /v1/schedules/{schedule_id} answers 200', () => {
  test('for the same settings in any spelling, and writes nothing', async () => {
    const once = { task: 'example.echo', payload: { message: 'a' }, at: '2026-03-11T08:00:00+01:00' };
    await put('example.once', once);
    const before = await everything();
    for (const same of [
      once,
      { ...once, at: '2026-03-11T07:00:00Z', tags: [], timezone: 'UTC', cron: null },
    ]) {
      const { status, body } = await put('example.once', same);
      expect([status, body.created, body.changed]).toEqual([200, false, false]);
      expect(body.message).toMatch(/^example.once has these settings already: it runs next at/);
    }
    expect(await everything()).toEqual(before);
  });

  test('for a change, whose audit row names the settings and not their values', async () => {
    await put('billing.changed', NIGHTLY);
    const { status, body } = await put('billing.changed', {
      ...NIGHTLY,
      payload: { customer: 'secret' },
      cron: '0 3 * * *',
    });
    expect([status, body.created, body.changed, body.schedule.revision]).toEqual([200, false, true, 2]);
    const trail = await auditOf(pool, 'billing.changed');
    expect(trail.at(-1)).toMatchObject({
      action: 'put_schedule',
      details: { changed: ['cron', 'payload'] },
    });
    expect(JSON.stringify(trail)).not.toContain('secret');
  });

  test('for a one-off schedule that is over, when the same request comes again', async () => {
    const once = { ...NIGHTLY, cron: undefined, at: '2026-03-10T13:00:00Z' };
    await put('billing.over', once);
    await stopClock(pool, '2026-03-10T14:00:00Z');
    await pool.query(
      `update errand.schedules set next_at = null, due_at = null, last_at = '2026-03-10T13:00:00Z' where id = 'billing.over'`,
    );
    const again = await put('billing.over', once);
    expect([again.status, again.body.changed, again.body.schedule.state]).toEqual([200, false, 'ended']);
    const other = await put('billing.over', { ...once, payload: { customer: 'c-2' } });
    expect([other.status, other.body.changed, other.body.message]).toEqual([
      200,
      true,
      'billing.over was changed: it is ended',
    ]);
  });

  test('for a dry run, which answers what would be and changes nothing', async () => {
    const before = await everything();
    const made = await put('billing.dry', NIGHTLY, '?dry_run=true');
    expect([made.status, made.body.created, made.body.message]).toEqual([
      200,
      true,
      'billing.dry would be made: it runs next at 2026-03-11T02:30:00+01:00',
    ]);
    expect(await everything()).toEqual(before);
    await put('billing.dry', NIGHTLY);
    const stored = await everything();
    const changed = await put('billing.dry', { ...NIGHTLY, cron: '0 4 * * *' }, '?dry_run=true');
    expect(changed.body).toMatchObject({
      created: false,
      changed: true,
      schedule: { next_at: '2026-03-11T03:00:00.000Z', settings: { cron: '0 4 * * *' } },
    });
    expect(await everything()).toEqual(stored);
  });
});

describe('PUT /v1/schedules/{schedule_id} answers 400', () => {
  test('with all problems of settings and payload at once', async () => {
    const before = await everything();
    const answer = await put('billing.bad', {
      ...{ task: 'billing.send_invoice', payload: { copies: 10 }, cron: '0 61 * * *', timezone: 'Mars/Base' },
      ...{ tags: ['a', 7], overlap: 'never', catch_up_max: 0, nobody_knows: 1 },
    });
    expectError(answer, { status: 400, code: 'VALIDATION_FAILED', details: 'some' });
    const paths = answer.body.details.map(({ path }: { path: string }) => path);
    expect(paths.toSorted()).toEqual(
      [
        ...['/body/cron', '/body/timezone', '/body/tags/1', '/body/overlap', '/body/catch_up_max'],
        ...['/body/nobody_knows', '/body/payload/customer', '/body/payload/copies'],
      ].toSorted(),
    );
    expect(await everything()).toEqual(before);
  });

  test.each([
    ['two timings', { every_seconds: 60 }, '/body', /exactly one of cron, every_seconds and at/],
    ['no timing', { cron: null }, '/body', /exactly one of/],
    ['an interval of 0', { cron: null, every_seconds: 0 }, '/body/every_seconds', /from 1 to/],
    ['a 31st of February', { cron: '0 0 31 2 *' }, '/body/cron', /never comes/],
    ['a thousand commas', { cron: `${'1,'.repeat(1_000)}1 * * * *` }, '/body/cron', /200 characters/],
    [
      'a single time in the past',
      { cron: null, at: '2026-03-10T11:59:59Z' },
      '/body/at',
      /must be after now/,
    ],
    ['an end in the past', { ends_at: '2026-03-01T00:00:00Z' }, '/body/ends_at', /must be after now/],
    ['a zone that does not exist', { timezone: 'Nowhere' }, '/body/timezone', /IANA time zone/],
    [
      'all missed times that skip each other',
      { catch_up: 'all' },
      '/body/overlap',
      /must be "allow" with catch_up "all"/,
    ],
    ['another namespace than that of its task', { task: 'example.echo' }, '/body/task', /namespace/],
    ['a payload that does not fit', { payload: { customer: 7 } }, '/body/payload/customer', /string/],
    ['no payload', { payload: undefined }, '/body/payload', /is required/],
    ['a description with NUL', { description: 'a\0' }, '/body/description', /NUL/],
    ['a payload with NUL', { payload: { customer: 'a\0' } }, '/body/payload/customer', /NUL/],
  ])('for %s', async (_what, changed, path, message) => {
    const before = await everything();
    const answer = await put('billing.refused', { ...NIGHTLY, ...changed });
    expectError(answer, { status: 400, code: 'VALIDATION_FAILED', details: 'some' });
    expect(answer.body.details).toContainEqual({ path, message: expect.stringMatching(message) });
    expect(await everything()).toEqual(before);
  });

  test('for a payload deeper than 64 levels, and takes one of 64', async () => {
    const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
    const settings = (levels: number) => ({ ...NIGHTLY, task: 'example.sleep', payload: nested(levels) });
    const deep = await put('example.deep', settings(65));
    expect(deep.body.details[0].message).toMatch(/nested deeper than 64 levels/);
    const allowed = await put('example.deep', settings(64));
    expect(JSON.stringify(allowed.body.details)).not.toMatch(/nested/);
  });

  test('for a secret as answers show it, so that it is not lost', async () => {
    const call = {
      task: 'http.request',
      payload: { url: 'https://shop.example.com/', headers: { authorization: 'Bearer abc' } },
      every_seconds: 60,
    };
    const { body } = await put('http.ping', call);
    expect(body.schedule.settings.payload.headers).toEqual({ authorization: '***' });
    const { settings } = (await api.call('GET', '/v1/schedules/http.ping')).body;
    expect(settings.payload.headers).toEqual({ authorization: '***' });
    const back = await put('http.ping', { ...settings, every_seconds: 90 });
    expectError(back, {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: '/body/payload/headers/authorization', message: expect.stringMatching(/secret/) }],
    });
  });
});

describe('PUT /v1/schedules/{schedule_id} refuses', () => {
  test('an unknown task with 404 and close names', async () => {
    const answer = await put('billing.unknown', { ...NIGHTLY, task: 'billing.send_invoise' });
    expect([answer.status, answer.body.error]).toEqual([
      404,
      expect.stringMatching(/did you mean billing.send_invoice/),
    ]);
  });

  test('an id or a task of a foreign namespace with 403, before it says anything else', async () => {
    for (const [id, task] of [
      ['billing.one', 'billing.send_invoice'],
      ['billing.one', 'billing.nothing'],
      ['example.one', 'billing.send_invoice'],
    ]) {
      const answer = await api.guarded.call(
        'PUT',
        `/v1/schedules/${id}`,
        { ...NIGHTLY, task },
        as('ann of example'),
      );
      expectError(answer, { status: 403, code: 'FORBIDDEN' });
    }
  });

  test('a schedule in code with 409, and says where it is', async () => {
    await storeSchedule(pool, { id: 'example.in_code' });
    await pool.query(
      `update errand.schedules set origin = 'code', owner = 'shop' where id = 'example.in_code'`,
    );
    const { rows } = await pool.query<{ id: number }>(
      `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, project, schedules)
       values ('here', 1, 'test', '{}', 1, 15, 'shop', '{example.in_code}')
       returning id`,
    );
    const before = await everything();
    for (const answer of [
      await put('example.in_code', { ...NIGHTLY, task: 'example.echo', payload: { message: 'a' } }),
      await api.call('DELETE', '/v1/schedules/example.in_code'),
    ]) {
      expectError(answer, { status: 409, code: 'CONFLICT' });
      expect(answer.body.error).toMatch(/defined in the code of shop: change it there and deploy/);
    }
    expect(await everything()).toEqual(before);
    // The runners of its repository have left, perhaps for good.
    await pool.query(`update errand.runners set ended_at = now(), end_reason = 'stopped' where id = $1`, [
      rows[0]?.id,
    ]);
    expect((await api.call('DELETE', '/v1/schedules/example.in_code')).status).toBe(200);
  });
});

test('a caller without the scope `read` learns only the id and the state', async () => {
  const { body } = await api.guarded.call(
    'PUT',
    '/v1/schedules/billing.unread',
    NIGHTLY,
    as('ann of billing may operate'),
  );
  expect(body.schedule).toEqual({ id: 'billing.unread', state: 'active' });
  expect(await readSchedule(pool, 'billing.unread')).toMatchObject({ revision: 1 });
});
