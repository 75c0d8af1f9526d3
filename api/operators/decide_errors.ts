import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { type Decision, decideErrors } from '../../store/operators/decide_errors.ts';
import { type Operation, requireName } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Operation as Documented, Paths } from '../openapi/schemas/document.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { actOf, reasonParameter } from './act.ts';
import { errorGroupParameter } from './bulk_schema.ts';

/** The component schema of a decision about a group. */
export const decideErrorsSchemas: Record<string, JsonSchema> = {
  ErrorGroupAnswer: object('The group after the operation', {
    error_group: { type: 'string' },
    status: { type: 'string', enum: ['open', 'resolved', 'ignored'] },
    changed: { type: 'boolean', description: 'Whether this operation changed the group' },
    message: { type: 'string' },
  }),
};

type Words = { status: string; summary: string; did: string; was: string };

const WORDS: Record<Decision, Words> = {
  resolve: {
    status: 'resolved',
    summary: 'Mark a group of errors as resolved, until a task fails with it again',
    did: 'Resolved: if a task fails with this error again, the group is marked as regressed',
    was: 'The group was already resolved',
  },
  ignore: {
    status: 'ignored',
    summary: 'Ignore a group of errors, also if tasks fail with it again',
    did: 'Ignored: further failures with this error do not open the group',
    was: 'The group was already ignored',
  },
  reopen: {
    status: 'open',
    summary: 'Open a resolved or ignored group of errors again',
    did: 'The group is open again',
    was: 'The group was already open',
  },
};

/** The paths of decisions about groups of errors. */
export function decideErrorsPaths(): Paths {
  return Object.fromEntries(
    Object.entries(WORDS).map(([decision, { summary }]) => [
      `/v1/errors/{error_group}/${decision}`,
      { put: decisionOf(`${decision}Errors`, summary) },
    ]),
  );
}

function decisionOf(operationId: string, summary: string): Documented {
  return {
    tags: ['errors'],
    operationId,
    summary,
    description: 'The failed tasks of the group stay as they are.',
    parameters: [errorGroupParameter, reasonParameter],
    responses: { 200: jsonAnswer('The group', ref('ErrorGroupAnswer')), ...failures(404) },
  };
}

/** `PUT /v1/errors/{error_group}/resolve`, `/ignore` and `/reopen` (specification R17). */
export const resolveErrors: Operation = decisionBy('resolve');
export const ignoreErrors: Operation = decisionBy('ignore');
export const reopenErrors: Operation = decisionBy('reopen');

function decisionBy(decision: Decision): Operation {
  const { status, did, was } = WORDS[decision];
  return async (context, request, response) => {
    const group = String(request.params.error_group);
    // A group is the name of its tasks, a colon and a hash.
    requireName(context, group.slice(0, Math.max(0, group.indexOf(':'))) || group);
    const { is_known, changed } = await decideErrors(
      context.writes,
      group,
      decision,
      actOf(context, request),
    );
    if (!is_known)
      throw new ErrandError(
        'NOT_FOUND',
        `There is no group of errors ${JSON.stringify(group)}: see GET /v1/errors`,
      );
    response.json({ error_group: group, status, changed, message: changed ? did : was });
  };
}
