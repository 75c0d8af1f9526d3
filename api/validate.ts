import type { Logger } from 'pino';
import { checker } from '../core/check.ts';
import { type Detail, MAX_DETAILS } from '../core/errors.ts';
import { valueAt } from '../core/json.ts';
import type { TaskDefinition } from '../core/task.ts';
import { judgeTaskPayload } from '../core/task_payload.ts';
import type { Api } from './call.ts';
import { callbackProblems } from './callback.ts';
import { submissionSchema } from './openapi/submission.ts';

const optionsChecker = checker(submissionSchema({}));

/** A submission of a task. `path` is its JSON Pointer in the request, `payloadName` the key that had the payload there. */
export type Asked = {
  definition: TaskDefinition;
  body: unknown;
  path: string;
  payloadName?: string;
  log: Pick<Logger, 'warn'>;
};

/**
 * What is wrong with one submission of a task, at most MAX_DETAILS: in its options, in its callback, and in its payload, which
 * its definition judges. What the code of the definition threw is logged; the caller is told where, and not what.
 */
export async function submissionProblems(
  { callbacks }: Pick<Api, 'callbacks'>,
  { definition, body, path, payloadName = 'payload', log }: Asked,
): Promise<Detail[]> {
  const problems = optionsChecker(body, path);
  // Of what is no such text at all, no more is to be said.
  if (!problems.some((problem) => problem.path === `${path}/callback_url`))
    problems.push(...callbackProblems(callbacks, definition, body, path));
  const payload = valueAt(body, '/payload');
  if (payload === undefined) return problems;
  // It may be of an older version, which is what its body says.
  const asked = valueAt(body, '/version');
  const version = typeof asked === 'string' ? asked : definition.version;
  const parsed = await judgeTaskPayload(definition, { version, payload }, `${path}/${payloadName}`);
  if (parsed.ok) return problems;
  if ('thrown' in parsed)
    log.warn({ err: parsed.thrown, task_name: definition.name }, 'the code of a definition threw');
  return [...problems, ...parsed.details].slice(0, MAX_DETAILS);
}
