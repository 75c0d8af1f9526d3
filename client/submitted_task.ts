import { toCamelCase } from './camel_case.ts';
import type { SubmittedTask } from './records.ts';

/** The task of the answer to a submission, with what the answer says about the submission. */
export function submittedTask(body: unknown): SubmittedTask {
  const { task, ...outcome } = body as { task: unknown };
  return { ...(toCamelCase(task) as SubmittedTask), ...(toCamelCase(outcome) as Partial<SubmittedTask>) };
}
