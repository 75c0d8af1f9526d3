import { sanitizeText } from '../../core/json/json.ts';
import { shownJson } from '../../core/json/lossless.ts';
import { memberOf } from '../../core/json/thrown.ts';

/**
 * The bound of its JSON. A record is read completely, with the metadata of all attempts that it
 * shows.
 */
const MAX_METADATA_BYTES = 16 * 1024;
/** Space for the names of members that were shortened or left out. */
const OMITTED_BYTES = 1024;

/**
 * The metadata of an error as the ledger keeps it, or null if it has none. A part that JSON cannot
 * hold is replaced by its name. Metadata that is not an object is stored as `value`. If the JSON
 * has more than MAX_METADATA_BYTES, as much is kept as fits, member by member, and `omitted` names
 * the members that are incomplete.
 */
export function boundedMetadata(thrown: Error): Record<string, unknown> | null {
  const metadata = shownJson(memberOf(thrown, 'metadata') ?? null);
  if (metadata === null) return null;
  const members = isRecord(metadata) ? metadata : { value: metadata };
  return bytesOf(members) <= MAX_METADATA_BYTES ? members : fittingMembers(members);
}

function fittingMembers(members: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  const omitted: string[] = [];
  let left = MAX_METADATA_BYTES - OMITTED_BYTES;
  for (const [name, member] of Object.entries(members)) {
    // Its quotes, its colon and its comma.
    const room = left - bytesOf(name) - 2;
    const part = fitting(member, room);
    if (part !== undefined) {
      kept[name] = part;
      left = room - bytesOf(part);
    }
    if (part !== member) omitted.push(name);
  }
  return {
    ...kept,
    omitted: fitting(
      omitted.map((name) => name.slice(0, 100)),
      OMITTED_BYTES,
    ),
  };
}

/**
 * The value if its JSON has at most so many bytes. Otherwise the start of a text or of a list;
 * undefined for other values.
 */
function fitting(value: unknown, bytes: number): unknown {
  if (bytesOf(value) <= bytes) return value;
  if (bytes < 100) return undefined;
  if (typeof value === 'string') return startOf(value, bytes);
  if (!Array.isArray(value)) return undefined;
  const kept: unknown[] = [];
  let left = bytes - 2;
  for (const item of value) {
    left -= bytesOf(item) + 1;
    if (left < 0) break;
    kept.push(item);
  }
  return kept;
}

/** The start of a text. One character takes up to six bytes of JSON, as in `\u001f`. */
function startOf(text: string, bytes: number): string {
  let length = bytes - 6;
  while (bytesOf(text.slice(0, length)) > bytes - 6) length = Math.floor(length * 0.7);
  return sanitizeText(`${text.slice(0, length).toWellFormed()}…`);
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
