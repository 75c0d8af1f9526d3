import type { Job, WorkerEvents } from 'graphile-worker';
import type { LockedRing } from '../store/rings.ts';

/**
 * Takes from a pool the rings that it has fetched, and that no worker of it begins: those that have lain in its local
 * queue for too long, and those that it has when it leaves. `giveBack` must not fail.
 *
 * graphile-worker 0.18 would give them back itself, but not in a way that stands Postgres being away: the promise of it
 * is lost when nothing else is under way (`LocalQueue.background` throws), and its rejection ends the process; or the
 * pool, having failed to, never ends. It does nothing when there are none left, and tells before.
 */
export function takeUnbegun(events: WorkerEvents, giveBack: (rings: LockedRing[]) => void): void {
  const take = (jobs: Job[]): void => {
    const rings = jobs.splice(0).map(toRing);
    if (rings.length > 0) giveBack(rings);
  };
  events.on('localQueue:setMode', ({ localQueue, newMode }) => {
    if (newMode === 'TTL_EXPIRED' || newMode === 'RELEASED') take(localQueue.jobQueue);
  });
  events.on('localQueue:getJobs:complete', ({ localQueue, jobs }) => {
    if (localQueue.mode === 'RELEASED') take(jobs);
  });
}

function toRing({ id, locked_at }: Job): LockedRing {
  // A text, with our parsers.
  return { jobId: id, lockedAt: new Date(locked_at ?? 0).toISOString() };
}
