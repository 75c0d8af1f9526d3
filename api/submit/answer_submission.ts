import type { Request, Response } from 'express';
import type { Task } from '../../store/tasks/tasks.ts';
import type { RequestContext } from '../context.ts';
import { mayRead, shownTask } from '../tasks/get_task.ts';

/**
 * Answers a submission with its task: 201 if it is new, otherwise 200. A caller without the right to read sees only
 * its id and its state.
 */
export function answerSubmission(
  context: RequestContext,
  request: Request,
  response: Response,
  { task, created, message }: { task: Task; created: boolean; message: string },
): void {
  response
    .status(created ? 201 : 200)
    .location(context.publicUrl(request, `/v1/tasks/${task.id}`))
    .json({
      task: shownTask(context, task),
      created,
      message,
      estimated_completion: mayRead(context) ? context.estimates.completionOf(task) : null,
    });
}
