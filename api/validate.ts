import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Detail } from '../core/errors.ts';
import { pointerPart } from '../core/json.ts';
import { parseWith } from '../core/schema.ts';
import type { TaskDefinition } from '../core/task.ts';
import { describeValue } from './errors.ts';
import { submissionSchema } from './openapi/submission.ts';

const ajv = new Ajv2020({ allErrors: true, strict: false });
formats.default(ajv);

const compiled = new WeakMap<TaskDefinition, ValidateFunction>();

/**
 * Everything that is wrong with one submission of a task: against its JSON Schema, which closes objects and
 * knows the options, and, when that holds, against the definition's own schema with its refinements.
 * `path` is the JSON Pointer of the submission in the request.
 */
export async function submissionProblems(
  definition: TaskDefinition,
  body: unknown,
  path: string,
): Promise<Detail[]> {
  const validate = validatorOf(definition);
  if (!validate(body)) return (validate.errors ?? []).map((error) => toDetail(error, body, path));
  const parsed = await parseWith(
    definition.payload,
    (body as { payload: unknown }).payload,
    `${path}/payload`,
  );
  return parsed.ok ? [] : parsed.details;
}

function validatorOf(definition: TaskDefinition): ValidateFunction {
  let validate = compiled.get(definition);
  if (validate === undefined) {
    validate = ajv.compile(submissionSchema(definition.payloadJsonSchema));
    compiled.set(definition, validate);
  }
  return validate;
}

function toDetail(error: ErrorObject, body: unknown, path: string): Detail {
  const { additionalProperty, missingProperty } = error.params as Record<string, string | undefined>;
  const key = additionalProperty ?? missingProperty;
  const pointer = key === undefined ? error.instancePath : `${error.instancePath}/${pointerPart(key)}`;
  const keys = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return {
    path: `${path}${pointer}`,
    message: `${error.message ?? 'is not valid'}${describeValue(body, keys)}`,
  };
}
