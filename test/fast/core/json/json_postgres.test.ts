import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sanitizeText, storageProblems, textProblem } from '../../../../core/json/json.ts';
import { createDatabase } from '../../../support/database.ts';
import { anyText, goodText, jsonOf } from '../arbitraries.ts';

// What core/json/json.ts says about Postgres, held against Postgres.

const { pool } = await createDatabase();
/** One statement each: enough to meet every kind many times. */
const RUNS = { numRuns: 400 };

/** What a jsonb column gives back, or undefined when Postgres refuses the value. */
async function throughJsonb(value: unknown): Promise<unknown> {
  try {
    const { rows } = await pool.query<{ value: unknown }>({
      name: 'through_jsonb',
      text: 'select $1::jsonb as value',
      values: [JSON.stringify(value)],
    });
    return rows[0]?.value;
  } catch {
    return undefined;
  }
}

test('whatever is accepted comes back from jsonb as it was', async () => {
  const accepted = jsonOf(goodText).filter((value) => storageProblems(value, '').length === 0);
  await fc.assert(
    fc.asyncProperty(accepted, async (value) => {
      expect(await throughJsonb(value)).toEqual(value);
    }),
    RUNS,
  );
});

test('whatever Postgres refuses, or would change, is refused before', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(jsonOf(anyText), async (value) => {
      const problems = storageProblems(value, '');
      const stored = await throughJsonb(value);
      if (stored === undefined) refused++;
      if (problems.length === 0) expect(stored).toEqual(value);
    }),
    RUNS,
  );
  expect(refused).toBeGreaterThan(10);
});

test('a text column holds every sanitized text, and changes or refuses what textProblem complains of', async () => {
  async function throughText(text: string): Promise<string | undefined> {
    const read = pool.query<{ value: string }>({
      name: 'through_text',
      text: 'select $1::text as value',
      values: [text],
    });
    return (await read.catch(() => undefined))?.rows[0]?.value;
  }
  await fc.assert(
    fc.asyncProperty(anyText, async (text) => {
      expect(await throughText(sanitizeText(text))).toBe(sanitizeText(text));
      expect((await throughText(text)) === text).toBe(textProblem(text) === null);
    }),
    RUNS,
  );
});
