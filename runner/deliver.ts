import type { Pool } from 'pg';
import { type SigningSecret, secretsFor } from '../config/webhook_secrets.ts';
import { PermanentError } from '../core/errors.ts';
import type { Handler } from '../core/task.ts';
import { disableCallback, readEndpoint } from '../store/callbacks.ts';
import type { TargetOptions } from '../tasks/http/target.ts';
import { createPost, isAccepted, isGone, refusal, signedRequest } from '../tasks/webhook/send.ts';
import type { deliver } from '../tasks/webhook.deliver.task.ts';

/** Where callbacks may go, and what they are signed with. */
export type DeliverOptions = TargetOptions & { secrets: readonly SigningSecret[] };

/**
 * Delivers callbacks. The crash at each line: until the answer is recorded, the next attempt sends the same message with the
 * same id; one that has disabled the endpoint finds it so. The time that is signed is Postgres's, like every other.
 */
export function deliverHandler(pool: Pool, options: DeliverOptions): Handler<typeof deliver> {
  const post = createPost(options);
  return async ({ url, message_id: id, namespace, body }, context) => {
    const secrets = secretsFor(options.secrets, namespace);
    if (secrets.length === 0) throw new Error(`WEBHOOK_SECRETS has no secret for the namespace ${namespace}`);
    const { disabled, now } = await readEndpoint(pool, { namespace, url });
    if (disabled) {
      const message = `The endpoint is disabled for ${namespace}: it answered 410. POST /v1/callbacks/enable lifts it`;
      throw new PermanentError(message, { code: 'ENDPOINT_DISABLED' });
    }
    const message = { url, id, body: JSON.stringify(body), at: new Date(now) };
    const request = signedRequest(message, secrets);
    const answer = await post(request, context.signal);
    if (isAccepted(answer)) return { status: answer.status };
    if (isGone(answer)) await disableCallback(pool, { namespace, url, taskId: body.data.id });
    throw refusal(request, answer);
  };
}
