import { expect, test } from 'vitest';
import { readPaused, type Scope } from '../../../../store/stats/stats.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();

test('what is paused is read in scope alone, the latest first', async () => {
  for (const [target, ago] of [
    ['a', 30],
    ['a.one', 20],
    ['ab.one', 10],
    ['b', 40],
  ]) {
    await pool.query(
      `insert into errand.pauses (target, paused_at, actor, reason) values ($1, now() - make_interval(secs => $2), 'ann', 'why')`,
      [target, ago],
    );
  }
  const targets = async (scope: Scope): Promise<string[]> =>
    (await readPaused(pool, scope)).map(({ target }) => target);
  expect(await targets({ namespaces: null })).toEqual(['ab.one', 'a.one', 'a', 'b']);
  expect(await targets({ namespaces: ['a'] })).toEqual(['a.one', 'a']);
  expect(await targets({ namespaces: null, name: 'a.two' })).toEqual(['a']);
  expect(await targets({ namespaces: null, name: 'a.one' })).toEqual(['a.one', 'a']);
  // A step of it; but not what only begins alike.
  expect(await targets({ namespaces: null, name: 'a.one.step' })).toEqual(['a.one', 'a']);
  expect(await targets({ namespaces: null, name: 'a.ones' })).toEqual(['a']);
  expect(await targets({ namespaces: ['b'], name: 'a.one' })).toEqual([]);
  expect(await targets({ namespaces: [] })).toEqual([]);
  const [first] = await readPaused(pool, { namespaces: ['b'] });
  expect(first).toEqual({ target: 'b', paused_at: expect.stringMatching(/Z$/), actor: 'ann', reason: 'why' });
});
