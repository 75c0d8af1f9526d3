import type { BenchServer } from '../server.ts';

/** How often a statement ran during some work, and for how many ms in total. */
export type StatementTime = { statement: string; calls: number; ms: number };

/**
 * Does some work. Gives its result, and what the statements of a database did meanwhile, the
 * longest first.
 */
export async function statementsDuring<Result>(
  server: BenchServer,
  database: string,
  work: () => Promise<Result>,
): Promise<{ result: Result; statements: StatementTime[] }> {
  const before = new Map((await server.statementTimes(database)).map((one) => [one.id, one]));
  const result = await work();
  const after = await server.statementTimes(database);
  const times = Map.groupBy(
    after.map(({ id, query, calls, ms }) => ({
      statement: inShort(query),
      calls: calls - (before.get(id)?.calls ?? 0),
      ms: ms - (before.get(id)?.ms ?? 0),
    })),
    ({ statement }) => statement,
  );
  const statements = [...times]
    .map(([statement, all]) => ({
      statement,
      calls: all.reduce((sum, { calls }) => sum + calls, 0),
      ms: all.reduce((sum, { ms }) => sum + ms, 0),
    }))
    .sort((a, b) => b.ms - a.ms);
  return { result, statements };
}

/** The tables that a statement writes, or else those that it reads: `update errand.tasks`. */
export function inShort(query: string): string {
  // `for update of …` and `for update skip locked` write nothing.
  const written = [
    ...query.matchAll(/(?<!\bfor\s+)\b(insert into|update|delete from)\s+("?\w[\w."]*)/gi),
  ].map(([, verb = '', table = '']) => `${verb.toLowerCase()} ${table.replaceAll('"', '')}`);
  if (written.length > 0) return [...new Set(written)].join(', ');
  const read = [...query.matchAll(/\b(?:from|join)\s+("?\w[\w."]*)/gi)].map(([, table = '']) =>
    table.replaceAll('"', ''),
  );
  // Tables have a schema; a CTE has none.
  const tables = [...new Set(read.filter((table) => table.includes('.')))];
  return tables.length > 0
    ? `select from ${tables.join(', ')}`
    : query.trim().split(/\s+/).slice(0, 4).join(' ').slice(0, 60);
}
