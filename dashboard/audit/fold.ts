import type { AuditEntry } from '../data/records.ts';

/** An entry, and how many entries that followed it directly are the same act on other tasks. */
export type FoldedEntry = { entry: AuditEntry; others: number };

/**
 * Folds entries of the same actor, action, reason and request that stand one after the other. A bulk operation
 * has one entry, whose tasks are read apart.
 */
export function foldEntries(entries: readonly AuditEntry[]): FoldedEntry[] {
  const folded: FoldedEntry[] = [];
  for (const entry of entries) {
    const last = folded.at(-1);
    if (last !== undefined && isSame(last.entry, entry)) last.others++;
    else folded.push({ entry, others: 0 });
  }
  return folded;
}

function isSame(one: AuditEntry, other: AuditEntry): boolean {
  return (
    one.actor === other.actor &&
    one.action === other.action &&
    one.target === other.target &&
    one.reason === other.reason &&
    one.request_id !== null &&
    one.request_id === other.request_id
  );
}

/** The task of a bulk operation, if the entry is about one. */
export function bulkOf({ details }: AuditEntry): string | null {
  return typeof details?.bulk === 'string' ? details.bulk : null;
}
