import { describe, expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectRefused } from '../ledger.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

/** Both routes for one task; a batch has its own test. */
const ROUTES = [
  { route: 'the path of the task', path: '/v1/tasks/example.echo', name: {} },
  { route: 'the name in the body', path: '/v1/tasks', name: { name: 'example.echo' } },
];
const PAYLOAD = { message: 'a' };

describe.each(ROUTES)('by $route', ({ path, name }) => {
  function refused(body: Record<string, unknown>, ...details: [string, string][]) {
    return expectRefused(api, pool, () => api.call('POST', path, { ...name, ...body }), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: details.map(([where, message]) => ({ path: `/body${where}`, message })),
    });
  }

  test('everything that is wrong is told at once, in the options and in the payload', async () => {
    const answer = await refused(
      {
        payload: { message: 5, count: 1.5, extra: { a: 1 } },
        bogus: true,
        priority: 'high',
        delay_seconds: -1,
        tags: ['a', 'a', ''],
        max_attempts: 0,
        run_at: 'tomorrow',
        reason: 5,
        dedup: 'maybe',
      },
      ['/payload/message', 'must be string, got 5'],
      ['/payload/count', 'must be integer, got 1.5'],
      ['/payload/extra', 'is not a known property, got {"a":1}'],
      ['/bogus', 'is not a known property, got true'],
      ['/priority', 'must be integer, got "high"'],
      ['/delay_seconds', 'must be >= 0, got -1'],
      ['/tags', 'must NOT have duplicate items (items ## 1 and 0 are identical), got ["a","a",""]'],
      ['/tags/2', 'must NOT have fewer than 1 characters, got ""'],
      ['/max_attempts', 'must be >= 1, got 0'],
      ['/run_at', 'must match format "date-time", got "tomorrow"'],
      ['/reason', 'must be string, got 5'],
      ['/dedup', 'must be equal to one of the allowed values: payload, key, none, definition, got "maybe"'],
    );
    expect(answer.body.error).toBe('The submission of example.echo is not valid');
  });

  test('a payload that is missing, null or no object', async () => {
    await refused({}, ['/payload', 'is required']);
    await refused({ payload: null }, ['/payload', 'must be object, got null']);
    await refused({ payload: 'text' }, ['/payload', 'must be object, got "text"']);
    await refused({ payload: [] }, ['/payload', 'must be object, got []']);
    await refused({ payload: {} }, ['/payload/message', 'is required']);
  });

  test.each([
    ['version', 5, 'must be string'],
    ['version', '', 'must NOT have fewer than 1 characters'],
    ['version', 'v'.repeat(33), 'must NOT have more than 32 characters'],
    ['priority', 1.5, 'must be integer'],
    ['priority', 1_001, 'must be <= 1000'],
    ['priority', -1_001, 'must be >= -1000'],
    ['priority', '5', 'must be integer'],
    ['delay_seconds', '5', 'must be number'],
    ['delay_seconds', 366 * 86_400 + 1, 'must be <= 31622400'],
    ['dedup_key', '', 'must NOT have fewer than 1 characters'],
    ['dedup_key', 'k'.repeat(513), 'must NOT have more than 512 characters'],
    ['dedup_window_seconds', 0, 'must be >= 1'],
    ['dedup_window_seconds', 1.5, 'must be integer'],
    ['tags', 'urgent', 'must be array'],
    ['tags', Array.from({ length: 21 }, (_, index) => `${index}`), 'must NOT have more than 20 items'],
    ['tags/0', [5], 'must be string'],
    ['tags/0', ['t'.repeat(101)], 'must NOT have more than 100 characters'],
    ['initiator', 'i'.repeat(201), 'must NOT have more than 200 characters'],
    ['source_system', {}, 'must be string'],
    ['reason', 'r'.repeat(1_001), 'must NOT have more than 1000 characters'],
    ['max_attempts', 1_001, 'must be <= 1000'],
    ['max_attempts', true, 'must be integer'],
  ])('a wrong %s, case %#', async (where, value, message) => {
    const option = where.split('/')[0] ?? '';
    const shown = JSON.stringify(where === option ? value : (value as unknown[])[0]);
    const got = shown.length <= 100 ? shown : `${shown.slice(0, 100)}…`;
    await refused({ payload: PAYLOAD, [option]: value }, [`/${where}`, `${message}, got ${got}`]);
  });

  test('nothing is coerced in a body', async () => {
    await refused({ payload: { message: 'a', count: '2' } }, ['/payload/count', 'must be number, got "2"']);
    await refused({ payload: { message: true } }, ['/payload/message', 'must be string, got true']);
  });
});

test('what only the definition itself knows is told too, together with the options', async () => {
  const payload = { url: 'https://u:p@example.com/', method: 'GET', body: 'x', json: 1 };
  await expectRefused(
    api,
    pool,
    () => api.call('POST', '/v1/tasks/http.request', { payload, priority: 'x' }),
    {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [
        { path: '/body/priority', message: 'must be integer, got "x"' },
        { path: '/body/payload/url', message: expect.stringMatching(/^must not contain credentials/) },
        { path: '/body/payload/json', message: 'cannot be sent together with body' },
        { path: '/body/payload/method', message: 'is GET, which cannot have a body' },
      ],
    },
  );
});

test('keys are escaped in the path', async () => {
  const body = { payload: { message: 'a', 'a/b~c d"': 1 } };
  await expectRefused(api, pool, () => api.call('POST', '/v1/tasks/example.echo', body), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [{ path: '/body/payload/a~1b~0c d"', message: 'is not a known property, got 1' }],
  });
});
