import { pointerParts } from '../../core/payload_condition.ts';
import type { Values } from './filter.ts';
import { SHOWN_PAYLOAD, SUMMARY_SQL } from './tasks.ts';

/** Values of a task by the names of fields. */
export type TaskRow = Record<string, unknown>;

/** The JSON columns, parts of which can be named by a JSON Pointer after the column. */
const JSON_SQL: Record<string, string> = { payload: SHOWN_PAYLOAD, result: 't.result', error: 't.error' };

/** A longer value of a JSON column is given as this many characters of its text. */
const MAX_VALUE_LENGTH = 1_000;

/** The columns that a field can be. */
export const PLAIN_FIELDS: readonly string[] = Object.keys(SUMMARY_SQL).filter(
  (column) => !(column in JSON_SQL),
);
/** The columns that a field can be a part of. */
export const JSON_FIELDS: readonly string[] = Object.keys(JSON_SQL);

/**
 * The columns of a statement that give these fields of a task called `t`. A field is a column of a
 * summary, or `payload`, `result` or `error`, of which a JSON Pointer may name a part: `payload/id`.
 * Such a value with more than MAX_VALUE_LENGTH characters becomes the start of its text, so that a page
 * stays small.
 */
export function fieldColumns(fields: readonly string[], { add }: Values): string {
  return fields.map((field, index) => `${fieldSql(field, add)} as f${index}`).join(', ');
}

/** The row of these columns with the names of its fields. */
export function toFields(fields: readonly string[], row: TaskRow): TaskRow {
  return Object.fromEntries(fields.map((field, index) => [field, row[`f${index}`]]));
}

function fieldSql(field: string, add: Values['add']): string {
  const [column = ''] = field.split('/', 1);
  const json = JSON_SQL[column];
  if (json === undefined) return SUMMARY_SQL[column as keyof typeof SUMMARY_SQL];
  return `(
    select case when length(part.value::text) <= ${MAX_VALUE_LENGTH} then part.value
                else to_jsonb(left(part.value #>> '{}', ${MAX_VALUE_LENGTH}) || '…') end
      from (select ${json} #> ${add(pointerParts(field.slice(column.length)))}::text[] as value offset 0) part)`;
}
