import { batcher } from '../../core/concurrency/batcher.ts';
import type { LimitKey } from '../../core/limits/key.ts';
import type { Database } from '../database/pool.ts';

/** How many submissions one statement calls for. */
const TOGETHER = 10_000;

/** The keys of a submission, if they are known. */
type Submitted = { limitKeys?: readonly Readonly<LimitKey>[] | undefined };

const callers = new WeakMap<Database, (submission: Submitted) => Promise<null>>();

/**
 * Calls submitted tasks that wait for a slot, if there is room after all. Call it after the commit. Submissions
 * without keys cost nothing. A failure is not reported: a runner does the same within seconds. See
 * errand.call_submitted.
 */
export function callSubmitted(database: Database, submissions: readonly Submitted[]): void {
  const limited = submissions.filter(({ limitKeys }) => limitKeys !== undefined);
  if (limited.length === 0) return;
  const call =
    callers.get(database) ?? batcher((ones: Submitted[]) => callAll(database, ones), { maxItems: TOGETHER });
  callers.set(database, call);
  for (const one of limited) call(one).catch(() => {});
}

async function callAll(database: Database, submissions: readonly Submitted[]): Promise<null[]> {
  const keys = new Map<string, [limit: string, key: string, turn: string]>();
  for (const { limitKeys = [] } of submissions) {
    const turn = limitKeys.find(([, key]) => key !== '')?.[1] ?? '';
    for (const [limit, key] of limitKeys) {
      const one = [limit, key, key === '' ? turn : ''] as [string, string, string];
      keys.set(JSON.stringify(one), one);
    }
  }
  const all = [...keys.values()];
  await database.query({
    name: 'call_submitted',
    text: 'select errand.call_submitted($1::text[], $2::text[], $3::text[])',
    values: [all.map(([limit]) => limit), all.map(([, key]) => key), all.map(([, , turn]) => turn)],
  });
  return submissions.map(() => null);
}
