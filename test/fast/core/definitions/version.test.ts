import fc from 'fast-check';
import { compare, valid } from 'semver';
import { describe, expect, test } from 'vitest';
import { isNewer, versionKey } from '../../../../core/definitions/version.ts';
import { dispatchIdentifier, versionOfIdentifier } from '../../../../core/dispatch_identifier.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();

/** Numbers that are equal often enough. */
const number = fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 1_000_000 })).map(String);
const identifier = fc.oneof(number, fc.stringMatching(/^[0-9A-Za-z-]{0,3}[a-z-]$/));
const semantic = fc
  .tuple(
    fc.tuple(number, number, number),
    fc.array(identifier, { maxLength: 3 }),
    fc.array(identifier, { maxLength: 1 }),
  )
  .map(
    ([core, before, build]) =>
      `${core.join('.')}${before.length > 0 ? `-${before.join('.')}` : ''}${build.length > 0 ? `+${build.join('.')}` : ''}`,
  )
  .filter((version) => version.length <= 32 && valid(version) !== null);

/** What a definition may have as its version (VERSION_PATTERN in core/task.ts). */
const anyVersion = fc.oneof(
  semantic,
  fc.stringMatching(/^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$/),
  fc.stringMatching(/^v?[0-2](\.[01]){0,3}(-[a0.-]{0,3})?$/),
  fc.constantFrom('1', '2026-11-29', 'v10', 'next', '0', '0.0', '1.', '1..2', '1-', '1.0.0-0', '007', 'v'),
);

describe('the order of versions', () => {
  test('is that of Semantic Versioning where it has one', () => {
    fc.assert(
      fc.property(semantic, semantic, (one, other) => {
        expect(isNewer(one, other), `${one} > ${other}`).toBe(compare(one, other) > 0);
        expect(versionKey(one) === versionKey(other)).toBe(compare(one, other) === 0);
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    ['1', '1.0.1', '2', '10'],
    ['v1.9', '1.10', 'v2'],
    ['2025-12-31', '2026-01-01', '2026-11-29'],
    ['1.0-alpha', '1.0-alpha.1', '1.0-beta', '1.0-rc.2', '1.0-rc.10', '1.0', '1.0.1'],
    ['9', '9.x', 'blue', 'green'],
    // Longer than a number of JavaScript can tell apart.
    ['99999999999999999998', '99999999999999999999', '100000000000000000000'],
  ])('ascends: %s, %s, …', (...versions) => {
    const shuffled = versions.toReversed();
    expect(shuffled.sort((a, b) => (isNewer(a, b) ? 1 : -1))).toEqual(versions);
  });

  test.each([
    ['1', '1.0'],
    ['1.0.0', '1'],
    ['v2.1', '2.1.0'],
    ['1.0.0+build.7', '1.0.0+build.8'],
    ['01.02', '1.2'],
  ])('takes %s and %s for the same', (one, other) => {
    expect(versionKey(one)).toBe(versionKey(other));
    expect([isNewer(one, other), isNewer(other, one)]).toEqual([false, false]);
  });

  test('is the same in the database', async () => {
    const versions = [...new Set(fc.sample(anyVersion, 3_000))];
    const { rows } = await pool.query<{ key: string }>(
      `select convert_from(errand.version_key(version), 'UTF8') as key
         from unnest($1::text[]) with ordinality as given (version, place)
        order by place`,
      [versions],
    );
    expect(rows.map(({ key }, index) => [versions[index], key])).toEqual(
      versions.map((version) => [version, versionKey(version)]),
    );
  });
});

describe('the name of dispatches that need a version', () => {
  const long = `a.${'b'.repeat(126)}`;

  test.each(['example.echo', long])(
    'is read as it is written, here and in the database: %s',
    async (name) => {
      const { rows } = await pool.query<{ plain: string; needing: string }>(
        'select errand.dispatch_identifier($1, null) as plain, errand.dispatch_identifier($1, $2) as needing',
        [name, '2.1.0-rc.1'],
      );
      expect(rows).toEqual([{ plain: name, needing: dispatchIdentifier(name, '2.1.0-rc.1') }]);
      expect(rows[0]?.needing.length).toBeLessThanOrEqual(128);
      expect(versionOfIdentifier(String(rows[0]?.needing))).toBe('2.1.0-rc.1');
      expect(versionOfIdentifier(name)).toBeNull();
    },
  );
});
