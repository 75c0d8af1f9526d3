import type { Runner, WaitingQueue } from '../data/records.ts';

/** A version of a definition: the live runners that have it, and the tasks that wait with it. */
export type VersionRow = {
  name: string;
  version: string;
  runners: number;
  tasks: number;
  /** Its tasks wait, and every live runner has an older version, so none takes them. */
  isNewer: boolean;
};

/**
 * The versions of each definition that is in the middle of a deployment: its live runners have several versions, or
 * a task waits with a version that none of them has. Sorted by name, the newest version first.
 */
export function versionsOf(live: readonly Runner[], queues: readonly WaitingQueue[]): VersionRow[] {
  const byName = new Map<string, Map<string, { runners: number; tasks: number }>>();
  const at = (name: string, version: string) => {
    const versions = byName.get(name) ?? new Map<string, { runners: number; tasks: number }>();
    byName.set(name, versions);
    const counts = versions.get(version) ?? { runners: 0, tasks: 0 };
    versions.set(version, counts);
    return counts;
  };
  for (const { task_versions } of live) {
    for (const [name, version] of Object.entries(task_versions ?? {})) at(name, version).runners++;
  }
  for (const { name, waiting_versions } of queues) {
    for (const { version, tasks } of waiting_versions) at(name, version).tasks += tasks;
  }
  return [...byName]
    .filter(([, versions]) => versions.size > 1)
    .toSorted(([one], [other]) => one.localeCompare(other))
    .flatMap(([name, versions]) => rowsOf(name, versions));
}

function rowsOf(
  name: string,
  versions: ReadonlyMap<string, { runners: number; tasks: number }>,
): VersionRow[] {
  const sorted = [...versions].toSorted(([one], [other]) => compare(other, one));
  const newest = sorted.find(([, { runners }]) => runners > 0)?.[0];
  return sorted.map(([version, counts]) => ({
    ...{ name, version, ...counts },
    isNewer: counts.tasks > 0 && newest !== undefined && compare(version, newest) > 0,
  }));
}

/** The order of versions: part by part, numbers as numbers. A version before a release is before it. */
function compare(one: string, other: string): number {
  const [[core = '', before], [otherCore = '', otherBefore]] = [parts(one), parts(other)];
  const byCore = core.localeCompare(otherCore, 'en', { numeric: true });
  if (byCore !== 0) return byCore;
  if (before === undefined || otherBefore === undefined)
    return Number(before === undefined) - Number(otherBefore === undefined);
  return before.localeCompare(otherBefore, 'en', { numeric: true });
}

function parts(version: string): [core: string, before?: string] {
  const [release = ''] = version.split('+');
  const dash = release.indexOf('-');
  return dash < 0 ? [release] : [release.slice(0, dash), release.slice(dash + 1)];
}
