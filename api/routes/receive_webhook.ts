import type { Request } from 'express';
import { type Detail, ErrandError } from '../../core/errors.ts';
import { detail, storageProblems } from '../../core/json.ts';
import { parsePayload } from '../../core/payload.ts';
import type { TaskDefinition } from '../../core/task.ts';
import type { Operation } from '../call.ts';
import { findDefinition } from '../submission.ts';
import { giveWay } from '../turns.ts';
import { type EventTask, headerOf, type WebhookSource } from '../webhooks/source.ts';
import { actorOf, verifiedSource } from '../webhooks/verify.ts';
import { submitAndAnswer } from './submit_task.ts';

/** Printable ASCII without blanks. */
const DELIVERY_ID = /^[!-~]{1,200}$/;

/**
 * `POST /v1/webhooks/{source}` (specification L4): what a sender's event becomes is submitted by it, once for each
 * delivery.
 */
export const receiveWebhook: Operation = async (call, request, response) => {
  const source = verifiedSource(request);
  const delivery = deliveryOf(source, request);
  const event = source.take(request.headers, request.body);
  if ('ignored' in event) {
    response.status(202).json({ ignored: true, reason: event.ignored });
    return;
  }
  const definition = findDefinition(call, event.task, '/body');
  const details = await payloadProblems(definition, event);
  if (details.length > 0) {
    throw new ErrandError('VALIDATION_FAILED', `The event does not make a payload of ${definition.name}`, {
      details,
    });
  }
  await giveWay(request);
  const body = {
    payload: event.payload,
    dedup: 'key',
    dedup_key: `${source.keyPrefix}${delivery}`,
    initiator: actorOf(source),
    source_system: source.name,
  };
  await submitAndAnswer(call, { definition, body }, request, response);
};

function deliveryOf({ deliveryHeader }: WebhookSource, request: Request): string {
  const id = headerOf(request.headers, deliveryHeader) ?? '';
  if (DELIVERY_ID.test(id)) return id;
  throw new ErrandError('VALIDATION_FAILED', 'The delivery has no id, so it could not be told from another', {
    details: [detail(`/headers/${deliveryHeader}`, 'must be an id of 1 to 200 characters without blanks')],
  });
}

/** What is wrong with a payload, where in the request that comes from. */
async function payloadProblems(definition: TaskDefinition, event: EventTask): Promise<Detail[]> {
  // A template may nest an event deeper than what was looked at when the body was read.
  const stored = storageProblems(event.payload, '');
  const parsed = stored.length > 0 ? null : await parsePayload(definition, event.payload ?? null, '');
  const details = parsed === null || parsed.ok ? stored : parsed.details;
  return details.map(({ path, message }) => detail(event.placeOf(path), message));
}
