import { type SigningSecret, secretsFor } from '../config/webhook_secrets.ts';
import { literalKind } from '../core/address.ts';
import type { Detail } from '../core/errors.ts';
import { detail, valueAt } from '../core/json.ts';
import { callbackUrl } from '../core/target_url.ts';
import type { TaskDefinition } from '../core/task.ts';

/** What decides which callbacks a submission may ask for. */
export type CallbackRules = { secrets: readonly SigningSecret[] | undefined; allowPrivate: boolean };

/**
 * What is wrong with the callback of a submission, or with that of its definition when it has none of its own: there is nothing
 * to sign it with, or it leads where nothing may be sent. What a name leads to is looked at when it is delivered.
 */
export function callbackProblems(
  { secrets, allowPrivate }: CallbackRules,
  { namespace, policy }: TaskDefinition,
  body: unknown,
  path: string,
): Detail[] {
  const url = valueAt(body, '/callback_url') ?? policy.callbackUrl;
  if (typeof url !== 'string') return [];
  const problem = (message: string): Detail[] => [detail(`${path}/callback_url`, message)];
  const parsed = callbackUrl.safeParse(url);
  const [issue] = parsed.error?.issues ?? [];
  if (issue !== undefined) return problem(issue.message);
  if (secretsFor(secrets, namespace).length === 0) {
    return problem(`needs a secret to be signed with: WEBHOOK_SECRETS has none for ${namespace}`);
  }
  const kind = literalKind(new URL(url));
  if (allowPrivate || kind === null || kind === 'unicast') return [];
  return problem(`is not a public address (${kind}), which needs ALLOW_PRIVATE_TARGETS`);
}
