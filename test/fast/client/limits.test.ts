import { expect, test } from 'vitest';
import { NotFoundError, ValidationError } from '../../../client/index.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { createDatabase } from '../../support/database.ts';
import { limited } from '../limits/limited.ts';
import { clientOf, startRegisteredApi } from './clients.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);
const { limits } = clientOf(api.url);
await registerDefinitions(pool, [
  limited('a.one', 2),
  limited('a.two', { limit: 3, key: () => 'k' }),
  limited('b.three', 4),
]);

test('a limit is set, paused, resumed and reset, with a reason', async () => {
  expect(await limits.set('a.one', 5, { reason: 'more paper' })).toMatchObject({
    ...{
      name: 'a.one',
      limit: 5,
      declared: 2,
      isKeyed: false,
      changed: true,
      message: 'a.one is 5 (declared: 2)',
    },
    setting: { hasLimit: true, limit: 5, reason: 'more paper' },
  });
  expect(await limits.pause('a.one', { reason: 'no paper' })).toMatchObject({ paused: true, limit: 5 });
  expect(await limits.resume('a.one')).toMatchObject({ paused: false, limit: 5 });
  expect(await limits.set('a.one', null)).toMatchObject({ limit: null, changed: true });
  expect(await limits.reset('a.one', { reason: 'over' })).toMatchObject({ name: 'a.one', changed: true });
  expect(await limits.reset('a.one')).toMatchObject({ changed: false });
  await expect(limits.set('a.one', 0)).rejects.toThrow(ValidationError);
  await expect(limits.set('a.nothing', 1)).rejects.toThrow(NotFoundError);
});

test('limits are read one by one over pages, and one with its keys and tasks', async () => {
  const names = await Array.fromAsync(limits.list({ pageSize: 1 }), ({ name }) => name);
  expect(names).toEqual(['a.one', 'a.two:key', 'b.three']);
  expect(await Array.fromAsync(limits.list({ namespace: 'b' }), ({ name }) => name)).toEqual(['b.three']);
  expect(await Array.fromAsync(limits.list({ paused: true }))).toEqual([]);
  expect(await limits.get('a.two:key', { key: 'x/y z', keyCount: 1 })).toMatchObject({
    ...{ name: 'a.two:key', kind: 'concurrency', rate: null, keysIsCapped: false, keysAreHidden: false },
    keys: [{ key: 'x/y z', holders: 0, waiters: 0, nextStartAt: null, starts: null }],
    ...{ holding: [], waiting: [] },
  });
});
