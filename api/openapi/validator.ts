import type { RequestHandler } from 'express';
import { middleware } from 'express-openapi-validator';
import type { OpenApiDocument } from './document.ts';

/** The usual one takes `urn:uuid:…` too, which Postgres does not. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type DocumentV3 = Exclude<Parameters<typeof middleware>[0]['apiSpec'], string>;

/**
 * The middleware that validates every request against the OpenAPI document (specification A1), and in tests
 * every response as well: a response that does not fit becomes a 500, which production must not risk.
 */
export function openApiValidator(
  document: OpenApiDocument,
  options: { responses: boolean },
): RequestHandler[] {
  return middleware({
    apiSpec: forValidation(document) as unknown as DocumentV3,
    validateApiSpec: false, // a test has done that
    validateRequests: { allErrors: true },
    validateResponses: options.responses,
    validateSecurity: false,
    fileUploader: false,
    ajvFormats: { mode: 'full' },
    formats: { uuid: { type: 'string', validate: (text) => UUID.test(text) } },
  });
}

/**
 * The document as the validator is to see it.
 *
 * Bodies are validated by their operations, against the same schemas, with validate.ts: the validator would
 * write the defaults of a payload into it, while the ledger holds what was sent; it would refuse a batch for one
 * item; and it would look for every error in a body of millions of parts. It takes times and other texts with
 * reserved characters in a query only when they are encoded, which nobody who types a URL does.
 */
function forValidation(document: OpenApiDocument): OpenApiDocument {
  const copy = structuredClone(document);
  for (const operation of Object.values(copy.paths).flatMap((path) => Object.values(path))) {
    for (const body of Object.values(operation.requestBody?.content ?? {})) body.schema = {};
    for (const parameter of operation.parameters ?? []) {
      if (parameter.in === 'query') Object.assign(parameter, { allowReserved: true });
    }
  }
  return copy;
}
