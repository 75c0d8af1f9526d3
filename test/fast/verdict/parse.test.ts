import { describe, expect, test } from 'vitest';
import { parsePayload } from '../../../core/payload.ts';
import { CORPUS } from './corpus/index.ts';
import { expectDetails } from './details.ts';
import { definitionOf } from './row.ts';
import { arrived, zodVerdict } from './zod_verdict.ts';

// Zod itself is asked about a twin of each schema, which is closed by hand, and then Errand about the schema.
test('the corpus is large enough, and its names are different', () => {
  expect(CORPUS.length).toBeGreaterThanOrEqual(150);
  expect(new Set(CORPUS.map(({ name }) => name)).size).toBe(CORPUS.length);
});

describe.each(CORPUS.map((row, index) => ({ ...row, index })))('$name', (row) => {
  const definition = lazily(() => definitionOf(row, row.index));

  test.each(row.fits)('accepts $payload', async ({ payload, value }) => {
    const expected = { ok: true, value };
    expect(await zodVerdict(row.twin(), payload)).toEqual(expected);
    expect(await parsePayload(definition(), arrived(payload), '/payload')).toEqual(expected);
  });

  test.each(row.misfits)('refuses $payload', async (misfit) => {
    expect(await zodVerdict(row.twin(), misfit.payload)).toEqual({ ok: false });
    const parsed = await parsePayload(definition(), arrived(misfit.payload), '/payload');
    expect(parsed).toMatchObject({ ok: false });
    if (!parsed.ok) expectDetails(parsed.details, misfit, '/payload');
  });
});

/** Not while the file is read, so that a definition that does not load fails its own tests alone. */
function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
