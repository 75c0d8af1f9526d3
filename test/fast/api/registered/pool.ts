import type { Pool } from 'pg';
import { z } from 'zod';
import type { Ownership } from '../../../../core/registration/owner.ts';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';

/** The repository of the API, and another one, in one database. */
export const OWN = 'shop';
export const OTHER = 'billing';

/** A task of the other repository. The API has no code of it. */
export const invoice = defineTask({
  name: 'billing.send_invoice',
  version: '2.0.0',
  description: 'For these tests',
  payload: z.object({
    number: z.int().min(1),
    to: z.string().optional(),
    copies: z.number().default(1),
    rate: z.number().multipleOf(0.01).optional(),
  }),
  example: { number: 1 },
  upcast: { '1.0.0': (old) => ({ number: Number((old as { no: string }).no) }) },
  result: z.object({ sent: z.boolean() }),
  policy: {
    priority: 7,
    maxAttempts: 3,
    retentionHours: 5,
    dedup: { strategy: 'key', windowSeconds: 60 },
  },
}) as unknown as TaskDefinition;

/** Registers definitions as a process of a repository does. */
export function registerOf(
  pool: Pool,
  project: string,
  definitions: readonly TaskDefinition[],
): Promise<void> {
  const ownership: Ownership = { project, ownerOf: () => project };
  return registerDefinitions(pool, definitions, ownership);
}

/** A live runner of a repository that is in the ledger alone. */
export function runnerOf(pool: Pool, project: string, taskNames: string[]): Promise<number> {
  return registerRunner(pool, {
    ...{ host: 'elsewhere', pid: 1, version: 'test', concurrency: 1, leaseSecs: 600 },
    ...{ project, taskNames },
  });
}
