import { type SigningSecret, secretsFor } from '../config/webhook_secrets.ts';
import type { Detail } from '../core/errors.ts';
import { detail, valueAt } from '../core/json/json.ts';
import { literalKind } from '../core/network/address.ts';
import { callbackUrl } from '../core/network/target_url.ts';
import type { Submittable } from '../core/registration/submittable.ts';

/** The settings that decide which callbacks a submission may ask for. */
export type CallbackRules = { secrets: readonly SigningSecret[] | undefined; allowPrivate: boolean };

/**
 * Checks the callback of a submission, or the default callback of its definition. Gives a problem if the URL
 * is invalid, if no secret can sign the callback, or if the URL names an address that is not allowed. A host
 * name is resolved and checked later, when the callback is delivered.
 */
export function callbackProblems(
  { secrets, allowPrivate }: CallbackRules,
  { namespace, policy }: Submittable,
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
    return problem(`cannot be signed: add a secret for ${namespace} to WEBHOOK_SECRETS`);
  }
  const kind = literalKind(new URL(url));
  if (allowPrivate || kind === null || kind === 'unicast') return [];
  return problem(`is not a public address (${kind}): use a public one, or set ALLOW_PRIVATE_TARGETS=true`);
}
