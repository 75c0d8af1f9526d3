import { sanitizeText, textProblem } from '../../core/json.ts';

/** What is kept of an answer's body. */
const BODY_LIMIT = 256 * 1024;
const HEADERS_LIMIT = 100;
const HEADER_VALUE_LIMIT = 4_096;

export type Content = {
  bytes: Buffer;
  truncated: boolean;
  /** What ended the body early; `bytes` holds what came before. */
  failure?: unknown;
};

/** Reads a body up to `limit` bytes and gives up its connection when there is more. Does not throw. */
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

/** The body as text when it is UTF-8 that Postgres can hold, else as base64: nothing in it is changed. */
export function encodeContent({ bytes, truncated }: Content): { body: string; encoding: 'utf8' | 'base64' } {
  try {
    // `stream` leaves out a character that the limit has cut in two.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: truncated,
    });
    if (textProblem(text) === null) return { body: text, encoding: 'utf8' };
  } catch {
    // Not UTF-8.
  }
  return { body: bytes.toString('base64'), encoding: 'base64' };
}

/** The headers as one text each, bounded in number and size. */
export function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers).slice(0, HEADERS_LIMIT)) {
    if (value === undefined) continue;
    const text = Array.isArray(value) ? value.join(', ') : value;
    // Assigned, never defined: a header named `__proto__`, a key that the ledger refuses, then vanishes.
    plain[name] = sanitizeText(text.slice(0, HEADER_VALUE_LIMIT));
  }
  return plain;
}
