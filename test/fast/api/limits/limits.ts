import type { Pool } from 'pg';
import { onTestFinished } from 'vitest';
import type { TaskDefinition } from '../../../../core/task.ts';
import { type Answer, startApi, type TestApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { startLimited, stateOf } from '../../limits/limited.ts';
import { registryWith } from '../definitions.ts';
import { authenticateByWords } from '../principals.ts';

export type LimitApi = TestApi & {
  pool: Pool;
  /** The same API, for callers with the words of authenticateByWords. */
  guarded: TestApi;
  put(name: string, change: unknown): Promise<Answer>;
  get(name: string, query?: string): Promise<Answer>;
};

/** An API over a database of the calling file. */
export async function startLimitApi(): Promise<LimitApi> {
  const { pool } = await createDatabase();
  const registry = registryWith();
  const api = await startApi(pool, { registry });
  const guarded = await startApi(pool, { registry, authenticate: authenticateByWords });
  return {
    ...api,
    ...{ pool, guarded },
    put: (name, change) => api.call('PUT', `/v1/limits/${name}`, change),
    get: (name, query = '') => api.call('GET', `/v1/limits/${name}${query}`),
  };
}

/** A runner whose attempts wait until they are let go. */
export async function startHeld(pool: Pool, definitions: readonly TaskDefinition[], concurrency = 50) {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  let running = 0;
  const letAllGo = (): void => {
    isOpen = true;
    for (const go of waiting.splice(0)) go();
  };
  await startLimited(
    pool,
    definitions,
    async () => {
      running++;
      if (!isOpen) await new Promise<void>((resolve) => waiting.push(resolve));
      running--;
    },
    { concurrency },
  );
  // Before the runner is stopped, which waits for them.
  onTestFinished(letAllGo);
  return {
    running: () => running,
    letAllGo,
    /** Ends the attempt that has run for the longest time. */
    letOneGo: () => waiting.shift()?.(),
  };
}

/** Waits until the ledger knows so many slots and waits of a limit. */
export async function settled(pool: Pool, limit: string, slots: number, waits: number): Promise<void> {
  await until(`${slots} slots and ${waits} waits of ${limit}`, async () => {
    const state = await stateOf(pool, limit);
    return state.slots === slots && state.waits === waits;
  });
}

/** The audit trail of a limit, oldest first. */
export async function auditOf(pool: Pool, name: string): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query(
    'select action, actor, namespace, reason, details from errand.audit where target = $1 order by id',
    [name],
  );
  return rows;
}
