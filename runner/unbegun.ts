import type { WorkerEvents } from 'graphile-worker';

/**
 * Takes from a pool the rings that it has fetched, and that no worker of it begins: those that have lain in its local
 * queue for too long, and those that it has when it leaves. `giveBack` gets the ids of their jobs and must not fail.
 *
 * graphile-worker 0.18 would give them back itself, but not in a way that stands Postgres being away: the promise of it
 * is lost when nothing else is under way (`LocalQueue.background` throws), and its rejection ends the process; or the
 * pool, having failed to, never ends. It does nothing when there are none left, and tells before.
 */
export function takeUnbegun(events: WorkerEvents, giveBack: (jobIds: string[]) => void): void {
  const take = (jobs: { id: string }[]): void => {
    const ids = jobs.splice(0).map(({ id }) => id);
    if (ids.length > 0) giveBack(ids);
  };
  events.on('localQueue:setMode', ({ localQueue, newMode }) => {
    if (newMode === 'TTL_EXPIRED' || newMode === 'RELEASED') take(localQueue.jobQueue);
  });
  events.on('localQueue:getJobs:complete', ({ localQueue, jobs }) => {
    if (localQueue.mode === 'RELEASED') take(jobs);
  });
}
