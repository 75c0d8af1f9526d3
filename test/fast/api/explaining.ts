import type { Pool } from 'pg';
import { expect } from 'vitest';
import { registerRunner } from '../../../store/attempts/runners.ts';
import type { TestApi } from '../../support/api.ts';

/** The explanation of a task, held against the document. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into it, and assert what they find
export async function explanationOf(api: TestApi, id: string): Promise<any> {
  const { status, body } = await api.call('GET', `/v1/tasks/${id}/explain`);
  expect({ status, body }).toMatchObject({ status: 200, body: { id } });
  return body;
}

/** The codes of its reasons, in order. */
export async function codesOf(api: TestApi, id: string): Promise<string[]> {
  const { reasons } = await explanationOf(api, id);
  return reasons.map(({ code }: { code: string }) => code);
}

/** A runner that is in the ledger alone. Its heartbeat is as old as it is said to be. */
export async function fakeRunner(
  pool: Pool,
  runner: {
    names: string[];
    versions?: Record<string, string>;
    concurrency?: number;
    inFlight?: number;
    ago?: number;
    poolId?: string;
  },
): Promise<number> {
  const id = await registerRunner(pool, {
    host: 'elsewhere',
    pid: 7,
    version: '1.0.0',
    taskNames: runner.names,
    ...(runner.versions === undefined ? {} : { taskVersions: runner.versions }),
    concurrency: runner.concurrency ?? 10,
    leaseSecs: 600,
  });
  await pool.query(
    `update errand.runners
        set in_flight = $2, heartbeat_at = now() - make_interval(secs => $3), pool_ids = $4
      where id = $1`,
    [id, runner.inFlight ?? 0, runner.ago ?? 0, [runner.poolId ?? `pool_of_${id}`]],
  );
  return id;
}

/** Ends all runners that are in the ledger. */
export async function noRunners(pool: Pool): Promise<void> {
  await pool.query(
    `update errand.runners set ended_at = now(), end_reason = 'stopped' where ended_at is null`,
  );
}
