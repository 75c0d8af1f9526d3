// The fields of tasks that the API is asked for: columns, and the parts of a payload that a user has chosen.

/** What a list shows of each task: a third of its summary. */
const LINE_FIELDS = [
  ...['id', 'name', 'state', 'skipped', 'attempt', 'max_attempts', 'created_at', 'started_at', 'finished_at'],
  ...['tags', 'progress', 'progress_note', 'error/error_type', 'error/message'],
];
/** What a file has of each task, in this order. */
const FILE_FIELDS = [
  ...['id', 'name', 'state', 'created_at', 'run_at', 'started_at', 'finished_at', 'attempt', 'max_attempts'],
  ...['error/error_type', 'error/message', 'tags', 'initiator', 'submitted_by', 'parent_id'],
];
/** More columns would not fit on a page. */
export const MAX_PARTS = 8;

/** The name of the field of a part in the answers of the API. */
export function fieldOf(pointer: string): `payload/${string}` {
  return `payload/${pointer.slice(1)}`;
}

/** The fields of a list with these parts of payloads, as the API reads them. */
export function lineFields(parts: readonly string[] = []): string {
  return written(LINE_FIELDS, parts);
}

/** The fields of a file with these parts of payloads. */
export function fileFields(parts: readonly string[] = []): string {
  return written(FILE_FIELDS, parts);
}

/** A comma of a key is written as `~2`, because commas separate the fields. */
function written(fields: readonly string[], parts: readonly string[]): string {
  return [...fields, ...parts.map((pointer) => fieldOf(pointer).replaceAll(',', '~2'))].join(',');
}

/** The parts that a text names, separated by commas or spaces: `/customer, invoice.id` is `/customer` and `/invoice/id`. */
export function partsOf(text: string): string[] {
  const named = text.split(/[\s,]+/).filter((one) => one !== '');
  const pointers = named.map((one) => (one.startsWith('/') ? one : `/${one.replaceAll('.', '/')}`));
  return [...new Set(pointers)].filter((one) => one.length > 1 && one.length <= 190).slice(0, MAX_PARTS);
}
