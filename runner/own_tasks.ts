import type { Pool } from 'pg';
import type { Handler } from '../core/task.ts';
import { bulk } from '../tasks/errand.bulk.task.ts';
import { deliver } from '../tasks/webhook.deliver.task.ts';
import { bulkHandler } from './bulk.ts';
import { type DeliverOptions, deliverHandler } from './deliver.ts';
import type { Executable } from './execute.ts';

/** What Errand does for itself as tasks, with handlers that work on the ledger, unlike those of tasks/. */
export function ownExecutables(pool: Pool, callbacks: DeliverOptions): [string, Executable][] {
  return [
    [bulk.name, { definition: bulk, handler: bulkHandler(pool) as Handler }],
    [deliver.name, { definition: deliver, handler: deliverHandler(pool, callbacks) as Handler }],
  ];
}
