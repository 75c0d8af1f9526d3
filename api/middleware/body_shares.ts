import type { Request, RequestHandler } from 'express';
import { clientOf } from '../auth/identify.ts';
import { createShares } from '../capacity/shares.ts';
import type { BodyBounds } from './body.ts';

/** Upper bound for the bodies of all requests in flight. Parsing a body may take ten times its bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The largest factor by which deflate expands its input. */
const INFLATED = 1_032;

/**
 * Makes middleware that limits the bytes of bodies in work, and gives each client a share. Without it, twenty
 * bodies of 10 MB would take all memory of a small process. The bytes count until the answer has been sent.
 */
export function shareBodies(bounds: BodyBounds): RequestHandler {
  const bodies = createShares(MAX_BYTES, 'bytes of bodies are being worked on');
  return (request, response, next) => {
    const client = clientOf(request);
    const bytes = bytesExpected(request, bounds);
    if (bytes !== null) {
      if (bytes > 0) response.on('close', bodies.take(client, bytes));
      return next();
    }
    // Without a Content-Length the bytes are counted as they arrive. Reading starts at once, so this listener
    // sees every chunk.
    const taken: (() => void)[] = [];
    request.on('data', (chunk: Buffer) => {
      try {
        taken.push(bodies.take(client, chunk.length));
      } catch {
        request.destroy();
      }
    });
    // One listener for all of them: a body may come in thousands of chunks.
    response.once('close', () => {
      for (const release of taken) release();
    });
    next();
  };
}

/** The size of a body after unpacking; null if only its end shows it. */
function bytesExpected({ headers }: Request, { body, event }: BodyBounds): number | null {
  // A longer body is refused before it is read.
  const atMost = (bytes: number): number => Math.min(bytes, event);
  const { 'content-length': length, 'content-encoding': encoding = 'identity' } = headers;
  if (encoding === 'identity')
    return length === undefined ? lengthOfChunked(headers) : atMost(Number(length));
  return encoding === 'br' || length === undefined ? body : atMost(Number(length) * INFLATED);
}

function lengthOfChunked(headers: Request['headers']): number | null {
  return headers['transfer-encoding'] === undefined ? 0 : null;
}
