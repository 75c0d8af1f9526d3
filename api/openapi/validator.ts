import type { RequestHandler } from 'express';
import { middleware } from 'express-openapi-validator';
import type { OpenApiDocument } from './build.ts';
import { VALIDATED_PER_ITEM } from './task_paths.ts';

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
  });
}

/**
 * The document as the validator is to see it: what is validated per item is an object of any kind to it, and
 * payloads have no defaults, because it would write these into the request: the ledger holds what was sent.
 */
function forValidation(document: OpenApiDocument): OpenApiDocument {
  const copy = structuredClone(document);
  loosen(copy.paths);
  for (const [name, schema] of Object.entries(copy.components.schemas)) {
    if (name.endsWith('.payload')) dropDefaults(schema);
  }
  return copy;
}

function loosen(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  if (VALIDATED_PER_ITEM in node) Object.assign(node, { items: { type: 'object' } });
  for (const child of Object.values(node)) loosen(child);
}

function dropDefaults(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  if (isSchemaWithDefault(node)) delete node.default;
  for (const child of Object.values(node)) dropDefaults(child);
}

/** A property that is itself called `default` has a schema as its value, and no type beside it. */
function isSchemaWithDefault(node: object): node is { default?: unknown } {
  return (
    'default' in node &&
    ('type' in node || 'anyOf' in node || 'enum' in node || 'const' in node || '$ref' in node)
  );
}
