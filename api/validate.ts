import { checker } from '../core/check.ts';
import type { Detail } from '../core/errors.ts';
import { valueAt } from '../core/json.ts';
import { parsePayload } from '../core/payload.ts';
import type { TaskDefinition } from '../core/task.ts';
import { submissionSchema } from './openapi/submission.ts';

const optionsChecker = checker(submissionSchema({}));

/**
 * Everything that is wrong with one submission of a task: in its options, and in its payload against the JSON
 * Schema of the definition, which closes objects, and, when that holds, against the definition's own schema with
 * its refinements. `path` is the JSON Pointer of the submission in the request, `payloadName` the key that had
 * the payload there.
 */
export async function submissionProblems(
  definition: TaskDefinition,
  body: unknown,
  path: string,
  payloadName = 'payload',
): Promise<Detail[]> {
  const problems = optionsChecker(body, path);
  const payload = valueAt(body, '/payload');
  if (payload === undefined) return problems;
  const parsed = await parsePayload(definition, payload, `${path}/${payloadName}`);
  return parsed.ok ? problems : [...problems, ...parsed.details];
}
