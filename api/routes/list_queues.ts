import { listQueues as readQueues } from '../../store/queues.ts';
import type { Operation } from '../call.ts';

/** `GET /v1/queues`: every queue, which is a task name, and what has paused it. */
export const listQueues: Operation = async ({ reads, principal }, _request, response) => {
  response.json({ queues: await readQueues(reads, principal.namespaces) });
};
