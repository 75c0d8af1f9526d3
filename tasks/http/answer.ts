import { sanitizeText, textProblem } from '../../core/json/json.ts';
import { isSecretHeader, MASK } from './secret_headers.ts';

/** How many bytes of an answer's body are kept. */
const BODY_LIMIT = 256 * 1024;
const HEADERS_LIMIT = 100;
const HEADER_VALUE_LIMIT = 4_096;

export type Content = {
  bytes: Buffer;
  truncated: boolean;
  /** The error that ended the body early; `bytes` holds what came before. */
  failure?: unknown;
};

/** Reads a body up to `limit` bytes, and closes its connection if there is more. Does not throw. */
export async function readContent(body: AsyncIterable<Buffer>, limit = BODY_LIMIT): Promise<Content> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.length;
      // Leaving the loop destroys the stream, and with it the connection.
      if (size > limit) break;
    }
  } catch (failure) {
    return { bytes: joined(chunks, limit), truncated: false, failure };
  }
  return { bytes: joined(chunks, limit), truncated: size > limit };
}

function joined(chunks: Buffer[], limit: number): Buffer {
  return Buffer.concat(chunks).subarray(0, limit);
}

/**
 * The body as text if it is UTF-8 that Postgres can hold, otherwise as base64. Nothing in it is
 * changed.
 */
export function encodeContent({ bytes, truncated }: Content): { body: string; encoding: 'utf8' | 'base64' } {
  try {
    // `stream` drops a character that the limit has cut in two.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: truncated,
    });
    if (textProblem(text) === null) return { body: text, encoding: 'utf8' };
  } catch {
    // Not UTF-8.
  }
  return { body: bytes.toString('base64'), encoding: 'base64' };
}

/**
 * One text per header, bounded in number and size. Headers with secrets, such as cookies, are
 * masked.
 */
export function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers).slice(0, HEADERS_LIMIT)) {
    if (value === undefined) continue;
    const text = Array.isArray(value) ? value.join(', ') : value;
    // Assigned, not defined: so a header named `__proto__`, which the ledger refuses as a key,
    // disappears.
    plain[name] = isSecretHeader(name) ? MASK : sanitizeText(text.slice(0, HEADER_VALUE_LIMIT));
  }
  return plain;
}
