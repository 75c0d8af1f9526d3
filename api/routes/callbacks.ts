import { z } from 'zod';
import { checker } from '../../core/check.ts';
import { ErrandError } from '../../core/errors.ts';
import { enableCallback as enable, listDisabledCallbacks } from '../../store/callbacks.ts';
import { actOf } from '../act.ts';
import { type Operation, requireNamespace } from '../call.ts';
import { visibleNamespaces } from '../filter.ts';
import { enableSchema } from '../openapi/callback_paths.ts';
import { parseQuery } from '../request.ts';

/** What one answer holds: more endpoints that are gone need a narrower look. */
const LIMIT = 1_000;

const querySchema = z.object({ namespace: z.string().optional() });

/** `GET /v1/callbacks/disabled` (specification L5): the URLs that answered 410 and are sent nothing more. */
export const listDisabled: Operation = async (call, request, response) => {
  const { namespace } = parseQuery(querySchema, request);
  const found = await listDisabledCallbacks(call.reads, visibleNamespaces(call, namespace), LIMIT);
  response.json({ callbacks: found.callbacks, is_truncated: found.more });
};

const check = checker(enableSchema);
const bodySchema = z.object({ namespace: z.string(), url: z.string(), reason: z.string().optional() });

/** `POST /v1/callbacks/enable`: what comes from now on is sent there again; what has failed meanwhile when it is re-sent. */
export const enableCallback: Operation = async (call, request, response) => {
  const details = check(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { namespace, url, reason } = bodySchema.parse(request.body);
  requireNamespace(call, namespace);
  if (!(await enable(call.writes, { namespace, url }, actOf(call, request, reason)))) {
    throw new ErrandError(
      'NOT_FOUND',
      `No such callback of ${namespace} is disabled: see GET /v1/callbacks/disabled`,
    );
  }
  response.json({ namespace, url, message: 'Enabled: what ends from now on is told there again' });
};
