import { createHash } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { identifyAs } from '../auth/identify.ts';
import type { Scope } from '../auth/principal.ts';
import type { WebhookSource } from './source.ts';
import type { WebhookSources } from './sources.ts';

const SUBMIT: ReadonlySet<Scope> = new Set(['submit']);

/**
 * The sender that signed a request. `bodyHash` is the SHA-256 of its body, if the body identifies the
 * delivery.
 */
type Verified = { source: WebhookSource; bodyHash: string | null };

const verified = new WeakMap<Request, Verified>();

/**
 * Refuses some webhooks before their body is read: NOT_FOUND for an unknown sender, UNAUTHORIZED without a
 * configured secret or without a signature. For a route with `:source`.
 */
export function expectSignature(sources: WebhookSources): RequestHandler {
  return (request, _response, next) => {
    const source = sourceOf(sources, request);
    if (source.isSigned === null)
      throw refusal(
        source,
        `No secret is configured for ${source.name}: ask the operator of this API to set one`,
      );
    if (!source.signatureHeaders.some((header) => request.headers[header] !== undefined)) {
      throw refusal(source, `The signature is missing: send it in ${source.signatureHeaders.join(' or ')}`);
    }
    // The signature covers the bytes as they are sent. No sender signs a body that is compressed on the way.
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw new ErrandError(
        'UNSUPPORTED_MEDIA_TYPE',
        'Content-Encoding is not accepted for webhooks: send the body unencoded',
      );
    }
    next();
  };
}

/**
 * Lets a webhook pass, as its sender, if the signature over the bytes of its body is valid. Otherwise throws
 * UNAUTHORIZED, with the same message for every cause. Runs before the body is parsed.
 */
export function verifySignature(sources: WebhookSources): RequestHandler {
  return (request, _response, next) => {
    const source = sourceOf(sources, request);
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (source.isSigned?.(request.headers, bytes) !== true) {
      throw refusal(source, 'The signature does not fit this body and the configured secret');
    }
    identifyAs(request, { actor: actorOf(source), namespaces: null, scopes: SUBMIT });
    const isByBody = source.identifiedBy === 'body';
    verified.set(request, {
      source,
      bodyHash: isByBody ? createHash('sha256').update(bytes).digest('hex') : null,
    });
    next();
  };
}

/** The sender that signed a request. Throws UNAUTHORIZED if the signature has not been verified. */
export function verifiedSource(request: Request): Verified {
  const known = verified.get(request);
  if (known === undefined) throw new ErrandError('UNAUTHORIZED', 'The signature has not been verified');
  return known;
}

/** The name of a sender in tasks and in the log of the API. */
export function actorOf({ name }: WebhookSource): string {
  return `webhook:${name}`;
}

function sourceOf(sources: WebhookSources, request: Request): WebhookSource {
  const name = String(request.params.source).toLowerCase();
  const source = sources.get(name);
  if (source !== undefined) return source;
  throw new ErrandError(
    'NOT_FOUND',
    `There is no sender of webhooks ${JSON.stringify(name.slice(0, 100))}: add it to WEBHOOK_SOURCES`,
  );
}

function refusal({ signatureHeaders: [header] }: WebhookSource, message: string): ErrandError {
  const challenge = `HMAC-SHA256 header="${header}"`;
  return new ErrandError('UNAUTHORIZED', message, { headers: { 'WWW-Authenticate': challenge } });
}
