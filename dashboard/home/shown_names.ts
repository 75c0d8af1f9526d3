import type { TaskStats } from '../data/records.ts';

export type Name = TaskStats['names'][number];

const SHOWN = 30;

/**
 * The names that Home shows, those with trouble first, and how many steps are left out: a workflow has its figures, and
 * its steps, whose names begin with its name, would hide the other tasks.
 */
export function shownNames(all: readonly Name[]): { names: Name[]; quietSteps: number } {
  const known = new Set(all.map(({ name }) => name));
  const kept = all.filter((one) => !isQuiet(one) || !known.has(one.name.slice(0, one.name.lastIndexOf('.'))));
  const names = kept.toSorted((one, other) => weight(other) - weight(one)).slice(0, SHOWN);
  return { names, quietSteps: all.length - kept.length };
}

function isQuiet({ open, finished }: Name): boolean {
  return open.queued + open.retrying + open.running + finished.failed === 0;
}

function weight({ open, finished }: Name): number {
  return open.queued + open.retrying + open.running + finished.failed * 10 + finished.succeeded / 1_000;
}
