import { describe, expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectRefused } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

const NOT_TIMES = [
  'tomorrow',
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-32T00:00:00Z',
  '2025-02-29T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T23:60:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01',
  '2026-01-01T00:00Z',
  '2026-01-01T00:00:00+25:00',
  '+012026-01-01T00:00:00Z',
  '-000001-01-01T00:00:00Z',
  '1767225600',
];

/** They have the form, and neither Date nor Postgres, or only one of them, knows them. */
const NO_SUCH_TIMES = [
  '2016-12-31T23:59:60Z',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '1970-01-01T00:59:59+01:00',
  '9999-12-31T23:59:59-01:00',
];

const TIMES: [string, string][] = [
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31t12:00:00.123456789z', '2026-01-31T12:00:00.123Z'],
  ['2026-01-31T12:00:00-05:30', '2026-01-31T17:30:00.000Z'],
  ['2024-02-29T23:59:59Z', '2024-02-29T23:59:59.000Z'],
  ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
];

describe('run_at', () => {
  const submit = (time: unknown) =>
    api.call('POST', '/v1/tasks/example.echo', { payload: { message: `at ${time}` }, run_at: time });

  test.each(NOT_TIMES)('%s is no time', async (time) => {
    await expectRefused(api, pool, () => submit(time), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: '/body/run_at', message: `must match format "date-time", got "${time}"` }],
    });
  });

  test.each(NO_SUCH_TIMES)('%s is refused', async (time) => {
    await expectRefused(api, pool, () => submit(time), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [
        {
          path: '/body/run_at',
          message: `must be a time from 1970 to 9999 such as 2026-01-31T12:00:00Z, got "${time}"`,
        },
      ],
    });
  });

  test.each(TIMES)('%s is %s', async (time, iso) => {
    const { status, body } = await submit(time);
    expect({ status, run_at: body.task?.run_at }).toEqual({ status: 201, run_at: iso });
  });

  test('a number is refused', async () => {
    await expectRefused(api, pool, () => submit(1_767_225_600), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: '/body/run_at', message: 'must be string, got 1767225600' }],
    });
  });
});

describe.each(['created_from', 'created_to', 'finished_from', 'finished_to'])('%s of the list', (name) => {
  const list = (time: string) => api.call('GET', `/v1/tasks?${name}=${encodeURIComponent(time)}`);

  test.each([...NOT_TIMES, ...NO_SUCH_TIMES])('%s is refused', async (time) => {
    const { status, body } = await list(time);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'VALIDATION_FAILED' });
    expect(body.details).toEqual([
      { path: `/query/${name}`, message: expect.stringContaining(`got ${JSON.stringify(time)}`) },
    ]);
  });

  test.each(TIMES)('%s is accepted, encoded or not', async (time) => {
    expect((await list(time)).status).toBe(200);
    expect((await api.call('GET', `/v1/tasks?${name}=${time}`)).status).toBe(200);
  });
});
