import type { IncomingHttpHeaders } from 'node:http';

/** The task that an event becomes. */
export type EventTask = {
  /** The name of the task. */
  task: string;
  payload: unknown;
  /** The place in the request of the value that is at a pointer into the payload. */
  placeOf(pointer: string): string;
};

/** An ignored event, with the reason. */
export type IgnoredEvent = { ignored: string };

/** Checks whether the bytes of a body are signed as its headers say. */
export type SignatureCheck = (headers: IncomingHttpHeaders, bytes: Buffer) => boolean;

/** A sender of webhooks (specification L4). */
export type WebhookSource = {
  /** The name in the path. */
  name: string;
  /** Null if no secret is configured for this sender. */
  isSigned: SignatureCheck | null;
  /** The headers that may contain a signature, in lower case. */
  signatureHeaders: readonly string[];
  /**
   * The header with the id of a delivery, in lower case. The id stays the same if the delivery is repeated.
   */
  deliveryHeader: string;
  /**
   * Identifies repeated deliveries. An id that is not signed does not protect against replays with another
   * id; then the signed body identifies the delivery.
   */
  identifiedBy: 'delivery_id' | 'body';
  /** The prefix of the id in the deduplication key, so that two senders may use the same id. */
  keyPrefix: string;
  /** Throws VALIDATION_FAILED if the event lacks values that its task needs. */
  take(headers: IncomingHttpHeaders, event: unknown): EventTask | IgnoredEvent;
};

/**
 * The single value of a header. Node joins several values into one text, which then is no valid signature or
 * id.
 */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
