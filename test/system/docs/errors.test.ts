import { globSync, readFileSync } from 'node:fs';
import { METHODS } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OPERATIONAL_STATES } from '../../../api/capacity/state.ts';
import { configSchema } from '../../../config/schema.ts';
import { STATUS_BY_CODE } from '../../../core/errors.ts';
import { documentText, ROOT, section, tableRows } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';

const database = await createDatabase();
const page = documentText('docs/errors.md');

/** The rows below a heading, as cells without the marks of code. */
function rowsOf(heading: string, part = 0): string[][] {
  const text = section(page, heading).split(/^### .+$/m)[part] ?? '';
  return tableRows(text).map((cells) => cells.map((cell) => cell.replaceAll('`', '')));
}

function codesOf(heading: string, part = 0): string[] {
  return rowsOf(heading, part)
    .flatMap(([codes = '']) => codes.split(', '))
    .sort();
}

/** What an expression finds in the files of a pattern, each once, sorted. Its first group is what counts. */
function found(expression: RegExp, pattern: string): string[] {
  const texts = globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] }).map((file) =>
    readFileSync(join(ROOT, file), 'utf8'),
  );
  const all = texts.flatMap((text) => [...text.matchAll(expression)].map(([, one = '']) => one));
  return [...new Set(all)].sort();
}

test('the codes of the API have the status that they are answered with', () => {
  const documented = rowsOf('Answers of the API').map(([code, status]) => [code, Number(status)]);
  expect(Object.fromEntries(documented)).toEqual(STATUS_BY_CODE);
  expect(documented).toHaveLength(Object.keys(STATUS_BY_CODE).length);
});

test('the reasons of the API are those that it gives, with codes that there are', () => {
  const given = found(/\breason: '([a-z_]+)'/g, 'api/**/*.ts');
  const kinds = found(/\blimited\('(\w+)'/g, 'api/middleware/rate_limit.ts');
  const limits = [
    ...kinds.flatMap((kind) => [`${kind}-per-second`, `${kind}-per-minute`]),
    ...found(/limiter\('([\w-]+)'/g, 'api/middleware/rate_limit.ts'),
  ];
  const states = OPERATIONAL_STATES.filter((state) => state !== 'normal');
  expect(kinds).toContain('reads');
  expect(codesOf('Answers of the API', 1)).toEqual([...given, ...limits, ...states].sort());
  for (const [, code = ''] of rowsOf('Answers of the API', 1)) expect(STATUS_BY_CODE).toHaveProperty(code);
});

/** Constants of Postgres, graphile-worker, git and ci.build, where else codes are. */
const OTHERS = new Set([
  'BC',
  'C',
  'NULL',
  'UTC',
  'RELEASED',
  'TTL_EXPIRED',
  'FETCH_HEAD',
  'ERRAND_BUILD_FOLDER',
]);

/** Whether a constant in capitals is a code of Errand: no method, signal or code of Node, no variable. */
function isCode(constant: string): boolean {
  const isForeign = METHODS.includes(constant) || /^(SIG|E)[A-Z]+$/.test(constant) || OTHERS.has(constant);
  return (!isForeign || constant === 'EXPIRED') && !(constant in configSchema.shape);
}

/** Where the errors of attempts are made. The HTTP server of a runner has the codes of the API. */
const ROOMS = [
  'runner/!(health)/**/*.ts',
  'runner/*.ts',
  'tasks/**/*.ts',
  'store/attempts/**/*.ts',
  'store/operators/end_decided.ts',
  'core/payload.ts',
  'core/batch_handler.ts',
];

/** The code of the class that handlers throw, which stands among the answers of the API. */
const OF_ERRORS = /readonly code = '([A-Z_]+)'/g;

test('the codes of attempts are those that runners, tasks and the ledger give', () => {
  const codes = ROOMS.flatMap((room) => found(/'([A-Z]+(?:_[A-Z]+)*)'/g, room)).filter(isCode);
  const thrown = found(OF_ERRORS, 'core/errors.ts');
  expect(thrown).toContain('RATE_LIMITED');
  expect(codesOf('Failed attempts')).toEqual([...new Set([...codes, ...thrown])].sort());
});

test('an attempt is said to be made again if its error is not permanent', () => {
  const made = (expression: RegExp): string[] => ROOMS.flatMap((room) => found(expression, room));
  const permanent = new Set([
    ...made(/new PermanentError\((?:(?!new )[^;])*?\bcode: '([A-Z_]+)'/g),
    ...made(/throw failed\([^;]*?'([A-Z_]+)'/g),
    ...made(/error_code: '([A-Z_]+)',\s+retryable: false/g),
  ]);
  const passing = new Set([
    ...made(/return (?:transient|retried)\([^;]*?'([A-Z_]+)'/g),
    ...made(/throw retried\([^;]*?'([A-Z_]+)'/g),
    ...made(/error_code: '([A-Z_]+)',\s+retryable: true/g),
  ]);
  expect([permanent.has('INVALID_RESULT'), passing.has('NETWORK_ERROR')]).toEqual([true, true]);
  const again = new Map(rowsOf('Failed attempts').map(([code = '', said = '']) => [code, said]));
  // Of some it depends on more than the code.
  const asMade = [...again].filter(([code]) => permanent.has(code) !== passing.has(code));
  expect(asMade.length).toBeGreaterThan(20);
  expect(asMade.filter(([code, said]) => said.startsWith(permanent.has(code) ? 'no' : 'yes'))).toEqual(
    asMade,
  );
});

test('the codes of the client are those that it throws of itself', () => {
  const codes = found(/(?:code: |\? |: )'([A-Z]+(?:_[A-Z]+)*)'/g, 'client/**/*.ts').filter(isCode);
  expect(codesOf('The client')).toEqual(codes);
});

test('the close codes are those of the API, and 4000 with a status', () => {
  const documented = codesOf('WebSockets');
  const used = found(/= ([14]\d{3});/g, 'api/streams/sockets.ts');
  expect(used).toContain('1001');
  expect(documented).toEqual(expect.arrayContaining(used));
  const statuses = new Set<number>(Object.values(STATUS_BY_CODE));
  for (const code of documented.map(Number)) {
    // 1006 is what a cut connection is, 1009 what the library answers to a message that is too large.
    expect([code, [1001, 1006, 1009].includes(code) || statuses.has(code - 4_000)]).toEqual([code, true]);
  }
});

test('the SQLSTATEs are those that the functions of the schema raise', async () => {
  const { rows } = await database.pool.query<{ name: string }>(`
    select distinct found[1] as name
      from pg_proc p, regexp_matches(p.prosrc, 'errcode = ''(\\w+)''', 'g') found
     where p.pronamespace = 'errand'::regnamespace`);
  const raised = await Promise.all(rows.map(async ({ name }) => [await sqlstateOf(name), name]));
  expect(rowsOf('SQL').map(([state, name]) => [state, name])).toEqual(raised.sort());
});

async function sqlstateOf(name: string): Promise<unknown> {
  const raising = database.pool.query(`do $$ begin raise exception 'x' using errcode = '${name}'; end $$`);
  return raising.then(
    () => null,
    (error: { code?: unknown }) => error.code,
  );
}
