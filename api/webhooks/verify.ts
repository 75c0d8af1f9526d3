import type { Request, RequestHandler } from 'express';
import { ErrandError } from '../../core/errors.ts';
import { identifyAs } from '../auth/identify.ts';
import type { Scope } from '../auth/principal.ts';
import type { WebhookSource } from './source.ts';
import type { WebhookSources } from './sources.ts';

const SUBMIT: ReadonlySet<Scope> = new Set(['submit']);

/** Whose signature a request has. */
const verified = new WeakMap<Request, WebhookSource>();

/**
 * Refuses a webhook before its body is read, when that is for nothing: NOT_FOUND for a sender that there is not,
 * UNAUTHORIZED for one whose secret is not known, and without a signature. For a route with `:source`.
 */
export function expectSignature(sources: WebhookSources): RequestHandler {
  return (request, _response, next) => {
    const source = sourceOf(sources, request);
    if (source.isSigned === null) throw refusal(source, `No secret is configured for ${source.name}`);
    if (!source.signatureHeaders.some((header) => request.headers[header] !== undefined)) {
      throw refusal(source, `Sign what you send, in ${source.signatureHeaders.join(' or ')}`);
    }
    // It is over the bytes as they come: nobody signs what is compressed on the way.
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw new ErrandError('UNSUPPORTED_MEDIA_TYPE', 'Send webhooks without a Content-Encoding');
    }
    next();
  };
}

/**
 * Lets a webhook through whose signature over the bytes of its body is right, as its sender; else throws UNAUTHORIZED, with
 * the same words whatever is wrong. Before anything is made of the body.
 */
export function verifySignature(sources: WebhookSources): RequestHandler {
  return (request, _response, next) => {
    const source = sourceOf(sources, request);
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (source.isSigned?.(request.headers, bytes) !== true) {
      throw refusal(source, 'The signature is not that of this body with the secret that is known here');
    }
    identifyAs(request, { actor: actorOf(source), namespaces: null, scopes: SUBMIT });
    verified.set(request, source);
    next();
  };
}

/** Whose signature a request has. Throws UNAUTHORIZED when nobody has looked at it. */
export function verifiedSource(request: Request): WebhookSource {
  const source = verified.get(request);
  if (source === undefined) throw new ErrandError('UNAUTHORIZED', 'The signature has not been verified');
  return source;
}

/** The sender as the task and the log of the API know it. */
export function actorOf({ name }: WebhookSource): string {
  return `webhook:${name}`;
}

function sourceOf(sources: WebhookSources, request: Request): WebhookSource {
  const name = String(request.params.source).toLowerCase();
  const source = sources.get(name);
  if (source !== undefined) return source;
  throw new ErrandError(
    'NOT_FOUND',
    `There is no sender of webhooks ${JSON.stringify(name.slice(0, 100))}: WEBHOOK_SOURCES has them`,
  );
}

function refusal({ signatureHeaders: [header] }: WebhookSource, message: string): ErrandError {
  const challenge = `HMAC-SHA256 header="${header}"`;
  return new ErrandError('UNAUTHORIZED', message, { headers: { 'WWW-Authenticate': challenge } });
}
