import { expect } from 'vitest';
import { answerOf, type OpenApiDocument } from '../../../api/openapi/schemas/document.ts';
import type { Received } from '../../fast/contracts/exchange.ts';
import type { Located } from '../../fast/contracts/requests.ts';
import { errorProblem, schemaCheckOf, schemaPointer } from './contract.ts';

/** What the documented headers look like, by their names in lower case. */
const HEADER_FORMS: Record<string, RegExp> = {
  allow: /^[A-Z]+(, [A-Z]+)*$/,
  link: /^<\/v1\/[^>]*>; rel="\w+"(, <\/v1\/[^>]*>; rel="\w+")*$/,
  location: /^\/v1\/(tasks\/[0-9a-f-]{36}|schedules\/[a-z0-9._-]+)$/,
  ratelimit: /^"(reads|writes|webhooks|pages)-per-minute"; r=0; t=\d+$/,
  'ratelimit-policy': /^"(reads|writes|webhooks|pages)-per-minute"; q=1; w=60;/,
  'retry-after': /^[1-9]\d*$/,
  'www-authenticate': /^(Bearer|HMAC-SHA256)/,
};

/** What an error of a status must be documented with. */
const HEADERS_OF_ERRORS: Record<number, string[]> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  408: ['Retry-After'],
  429: ['Retry-After', 'RateLimit'],
  503: ['Retry-After'],
};

/** Asserts that an answer is all that the document says of this status of the operation. */
export type Judge = (located: Located, status: number, received: Received) => void;

/** Judges by a document, with a validator that is not the API's own. */
export function judgeBy(document: OpenApiDocument): Judge {
  const check = schemaCheckOf(document);
  return (located, status, { status: got, headers, text }) => {
    expect(got, `is answered ${got}: ${text.slice(0, 500)}`).toBe(status);
    const { headers: documentedHeaders = {}, content = {} } =
      answerOf(document, [located.path, located.method], status) ?? {};
    // What all errors that begin with the same digit have together says which headers may come, not which do.
    const names = String(status) in located.operation.responses ? Object.keys(documentedHeaders) : [];
    const type = headers['content-type']?.split(';')[0] ?? '';
    // What has no content has no type.
    const types = Object.keys(content);
    expect(types.length === 0 ? [''] : types).toContain(type);
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    if (type === 'application/json') {
      expect(check(schemaPointer(document, located, status, type), text), text).toBeNull();
      if (status >= 400 && 'code' in JSON.parse(text)) {
        expect(errorProblem(status, text, check)).toBeNull();
        expect(JSON.parse(text)).toHaveProperty('request_id', headers['x-request-id']);
        expect(Object.keys(documentedHeaders)).toEqual(
          expect.arrayContaining(HEADERS_OF_ERRORS[status] ?? []),
        );
      }
    } else {
      expect(text === '').toBe(types.length === 0);
    }
    if (status === 405) {
      const methods = Object.keys(document.paths[located.path] ?? {}).map((one) => one.toUpperCase());
      const allowed = methods.includes('GET') ? [...methods, 'HEAD'] : methods;
      expect(headers.allow?.split(', ').sort()).toEqual(allowed.sort());
    }
    for (const name of names) {
      const form = HEADER_FORMS[name.toLowerCase()];
      if (form === undefined) {
        throw new Error(
          `Nobody knows what a ${name} looks like: add it in test/system/contracts/statuses_judge.ts`,
        );
      }
      expect(headers[name.toLowerCase()], name).toMatch(form);
    }
  };
}
