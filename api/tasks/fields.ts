import { ErrandError } from '../../core/errors.ts';
import { detail, got, textProblem } from '../../core/json/json.ts';
import { JSON_FIELDS, PLAIN_FIELDS } from '../../store/tasks/fields.ts';
import { inQuery, type Parameter, textUpTo } from '../openapi/schemas/parameters.ts';

const MAX_FIELDS = 30;
const FIELD_MAX_LENGTH = 200;
const FIELDS_MAX_LENGTH = 4_000;

/** The parameter that chooses the fields of a list. */
export const fieldsParameter: Parameter = inQuery(
  'fields',
  textUpTo(FIELDS_MAX_LENGTH),
  `The fields of each row, separated by commas: at most ${MAX_FIELDS} of ${PLAIN_FIELDS.join(', ')}, and ${JSON_FIELDS.join(', ')} or a part of them by a JSON Pointer, such as \`payload/invoice/id\`. In a pointer, \`~2\` stands for a comma`,
);

/** One field: a column, or a JSON column and a JSON Pointer. */
const POINTER = /^(\/([^~/]|~[01])*)*$/u;

/**
 * The fields that a caller asks for. Throws VALIDATION_FAILED for too many, unknown or repeated ones. A
 * comma in a key is written as `~2`, which RFC 6901 leaves free, because commas separate the fields.
 */
export function fieldsOf(asked: string): string[] {
  const fields = asked.split(',').map((field) => field.trim().replaceAll('~2', ','));
  const problem =
    fields.length > MAX_FIELDS
      ? `must be at most ${MAX_FIELDS} fields, got ${fields.length}`
      : fields.map((field, index) => fieldProblem(field, fields.indexOf(field) < index)).find(Boolean);
  if (!problem) return fields;
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: [detail('/query/fields', problem)],
  });
}

function fieldProblem(field: string, isRepeated: boolean): string | null {
  if (isRepeated) return `must name each field once${got(field)}`;
  if (field.length > FIELD_MAX_LENGTH)
    return `must have fields of at most ${FIELD_MAX_LENGTH} characters${got(field)}`;
  if (PLAIN_FIELDS.includes(field)) return null;
  const [column = ''] = field.split('/', 1);
  if (JSON_FIELDS.includes(column) && POINTER.test(field.slice(column.length))) return textProblem(field);
  return `has an unknown field${got(field)}: use ${PLAIN_FIELDS.join(', ')}, or ${JSON_FIELDS.join(', ')} with a JSON Pointer`;
}
