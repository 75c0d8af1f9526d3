import type { Pool } from 'pg';
import type { Registry } from '../core/registry.ts';
import type { Submission, Submitted } from '../store/submit.ts';
import type { Task } from '../store/tasks.ts';

/** What the operations of the API work with. */
export type ApiContext = {
  pool: Pool;
  registry: Registry;
  /** Submits one task; those that arrive together are written by one statement. */
  submitOne: (submission: Submission) => Promise<Submitted<Task>>;
  /** Aborted when the process is on its way out: nobody waits any longer. */
  stopping: AbortSignal;
};
