import type { Pool, QueryConfig } from 'pg';

type Statement = { text: string; values: unknown[] };

/** A pool whose statements, also those of its clients, can be recorded. */
export type Observed = {
  pool: Pool;
  /**
   * How many blocks of 8 KiB Postgres reads, from its cache or not, for the statements that `run`
   * sends.
   */
  blocksOf(run: () => Promise<unknown>): Promise<number>;
};

/**
 * Wraps a pool so that it can count what its statements read. The count does not depend on what
 * else the machine does, so it says more than a duration. For the count each statement is run once
 * more, with the same values.
 */
export function observe(pool: Pool): Observed {
  let statements: Statement[] | undefined;
  return {
    pool: view(pool, (statement) => statements?.push(statement)),
    async blocksOf(run) {
      const noted: Statement[] = [];
      statements = noted;
      await run().finally(() => {
        statements = undefined;
      });
      let blocks = 0;
      for (const statement of noted) blocks += await explainedBlocks(pool, statement);
      return blocks;
    },
  };
}

function view(pool: Pool, onStatement: (statement: Statement) => void): Pool {
  const viewOf = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, property) {
        const value: unknown = Reflect.get(object, property);
        if (typeof value !== 'function') return value;
        if (property === 'connect') return async () => viewOf(await pool.connect());
        if (property !== 'query') return value.bind(object);
        return (query: string | QueryConfig, ...rest: unknown[]) => {
          onStatement(
            typeof query === 'string'
              ? { text: query, values: (rest[0] ?? []) as unknown[] }
              : { text: query.text, values: query.values ?? [] },
          );
          return value.call(object, query, ...rest);
        };
      },
    });
  return viewOf(pool);
}

type Explained = {
  'QUERY PLAN': [{ Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number } }];
};

async function explainedBlocks(pool: Pool, { text, values }: Statement): Promise<number> {
  // An estimate by the planner reads nothing, and cannot be explained itself.
  if (/^\s*explain\b/i.test(text)) return 0;
  const { rows } = await pool.query<Explained>(`explain (analyze, buffers, format json) ${text}`, values);
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
}
