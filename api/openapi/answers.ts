import { type ErrorCode, STATUS_BY_CODE } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { ref } from './schemas.ts';

/** A JSON response. */
export function jsonAnswer(description: string, schema: JsonSchema, headers?: JsonSchema): JsonSchema {
  return { description, ...(headers ? { headers } : {}), content: { 'application/json': { schema } } };
}

/** A JSON request body with an example. */
export function jsonBody(schema: JsonSchema, example: unknown): JsonSchema {
  return { required: true, content: { 'application/json': { schema, example } } };
}

type FailureStatus = (typeof STATUS_BY_CODE)[ErrorCode];

/** The error answers of an operation: those given, and what any operation may answer. */
export function failures(...statuses: FailureStatus[]): Record<string, JsonSchema> {
  const all = [...new Set([...statuses, 405, 408, 500, 503] as const)].sort();
  return Object.fromEntries(all.map((status) => [status, jsonAnswer(codesOf(status), ref('Error'))]));
}

function codesOf(status: FailureStatus): string {
  const codes = Object.entries(STATUS_BY_CODE).filter(([, known]) => known === status);
  return codes.map(([code]) => code).join(' or ');
}
