import type { IncomingHttpHeaders } from 'node:http';

/** What a sender's event becomes. */
export type EventTask = {
  /** The name of the task. */
  task: string;
  payload: unknown;
  /** Where in the request stands what is at a pointer into the payload. */
  placeOf(pointer: string): string;
};

/** Why nothing becomes of an event. */
export type IgnoredEvent = { ignored: string };

/** Tells whether the bytes of a body are signed as its headers say. */
export type SignatureCheck = (headers: IncomingHttpHeaders, bytes: Buffer) => boolean;

/** Somebody who sends webhooks (specification L4). */
export type WebhookSource = {
  /** As it stands in the path. */
  name: string;
  /** Null: nothing is known that it could sign with. */
  isSigned: SignatureCheck | null;
  /** The headers that a signature can be in, in lower case. */
  signatureHeaders: readonly string[];
  /** The header with the id of a delivery, in lower case: the same for each time that it is sent. */
  deliveryHeader: string;
  /** What goes before the id, so that two senders may have the same. */
  keyPrefix: string;
  /** Throws VALIDATION_FAILED when an event lacks what its task needs. */
  take(headers: IncomingHttpHeaders, event: unknown): EventTask | IgnoredEvent;
};

/** The one value of a header. Of several Node makes one text, which then is no signature and no id. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
