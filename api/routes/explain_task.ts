import { explain } from '../../core/explain.ts';
import { readFacts } from '../../store/explain.ts';
import type { Operation } from '../call.ts';
import { taskNotFound } from './get_task.ts';

/** `GET /v1/tasks/{id}/explain`: why a task is not running, or what it is at, or how it ended. */
export const explainTask: Operation = async (call, request, response) => {
  const id = String(request.params.id);
  const facts = await readFacts(call.reads, id, call.visibility);
  if (facts === null) throw taskNotFound(id);
  response.json(explain(facts));
};
