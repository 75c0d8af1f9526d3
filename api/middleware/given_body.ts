import type { IncomingMessage } from 'node:http';
import type { ErrandError } from '../../core/errors.ts';

/**
 * The bytes of a body that somebody has read before, or why they cannot be used. `isExact`: they are those that
 * the caller has sent.
 */
export type GivenBody = { bytes: Buffer; isExact: boolean } | ErrandError;

const given = new WeakMap<IncomingMessage, GivenBody>();

/** Sets the body of a request whose bytes cannot be read any more. Null: they are still to come. */
export function giveBody(request: IncomingMessage, body: GivenBody | null): void {
  if (body !== null) given.set(request, body);
}

/** The body that was set, if any. */
export function givenBody(request: IncomingMessage): GivenBody | undefined {
  return given.get(request);
}
