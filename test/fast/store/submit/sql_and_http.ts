import type { Pool } from 'pg';
import { expect } from 'vitest';
import type { Detail } from '../../../../core/errors.ts';
import { storageProblems } from '../../../../core/json/json.ts';
import { parseJson } from '../../../../core/json/json_text.ts';

export type Verdict = { stored: string } | { problems: Detail[] };

/** As the API does it: the text that the ledger gets, as jsonb has it, or what is wrong. */
async function byHttp(pool: Pool, text: string): Promise<Verdict> {
  const payload = parseJson(text);
  const problems = storageProblems(payload, '/payload');
  if (problems.length > 0) return { problems };
  const { rows } = await pool.query<{ stored: string }>('select $1::jsonb::text as stored', [
    JSON.stringify(payload),
  ]);
  return { stored: rows[0]?.stored ?? '' };
}

/** What a caller of errand.submit gets from the part of it that looks at payloads. */
export async function bySql(pool: Pool, text: string): Promise<Verdict> {
  try {
    const { rows } = await pool.query<{ stored: string }>({
      name: 'storable',
      text: 'select errand.storable($1::jsonb)::text as stored',
      values: [text],
    });
    return { stored: rows[0]?.stored ?? '' };
  } catch (error) {
    const { code, message, detail } = error as { code?: string; message: string; detail?: string };
    if (code !== '22023') throw error;
    const problems = JSON.parse(detail ?? '') as Detail[];
    expect(message).toBe(`${problems[0]?.path} ${problems[0]?.message}`);
    return { problems };
  }
}

/** In the order of the paths: jsonb does not keep that of keys. How a number was written it doesn't keep either. */
function comparable(verdict: Verdict): unknown {
  if ('stored' in verdict) return verdict;
  const told = verdict.problems.map(({ path, message }) => [path, message.replace(/, got .*$/s, '')]);
  return told.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

/** That errand.submit stores or refuses the text of a payload as HTTP does. */
export async function expectSame(pool: Pool, text: string): Promise<void> {
  const [http, sql] = await Promise.all([byHttp(pool, text), bySql(pool, text)]);
  expect([text, comparable(sql)]).toEqual([text, comparable(http)]);
}
