import { createHash } from 'node:crypto';
import { isTerminal } from '../../core/states.ts';
import { type History, readHistory } from '../../store/history.ts';
import type { Database } from '../../store/pool.ts';
import type { ServerEvent } from './event_stream.ts';
import { type ReadOn, shareReads } from './follow.ts';

/** What has been told: all attempts before `attempt`, and where the task was, by a fingerprint; '' when that was not. */
export type Told = { attempt: number; standing: string };

export const NOTHING_TOLD: Told = { attempt: 1, standing: '' };

/** The form of an event's id, which is what has been told with it. */
export const EVENT_ID = /^(?<attempt>[1-9]\d{0,8})-(?<standing>[0-9a-f]{16})?$/;

/** What a reader that comes back has been told. The form of the id has been checked. */
export function toldUpTo(id: string): Told {
  const { attempt, standing } = EVENT_ID.exec(id)?.groups ?? {};
  return { attempt: Number(attempt ?? 1), standing: standing ?? '' };
}

/** Reads on in what becomes of a task. */
export type ReadEvents = (taskId: string) => ReadOn<Told>;

/**
 * Makes the reader of events of a process. Each attempt that ended without success is an event, and so is where the task is
 * when that differs from what was told last: who was away hears of every such attempt, and of the latest state and progress.
 */
export function eventsReader(database: Database): ReadEvents {
  const share = shareReads<History | null>();
  return (taskId) => async (told, version) => {
    const history = await share(`${taskId} ${told.attempt} ${version}`, () =>
      readHistory(database, taskId, told.attempt),
    );
    if (history === null) return null;
    const { standing, ended, hasMore } = history;
    const events: ServerEvent[] = ended.map((attempt) => ({
      id: `${attempt.attempt + 1}-`,
      event: 'attempt',
      data: attempt,
    }));
    const after: Told = { attempt: (ended.at(-1)?.attempt ?? told.attempt - 1) + 1, standing: told.standing };
    if (hasMore) return { events, position: after, next: 'more' };
    const shown = fingerprint(standing);
    const id = `${after.attempt}-${shown}`;
    if (shown !== told.standing) events.push({ id, event: 'state', data: standing });
    if (isTerminal(standing.state)) events.push({ id, event: 'end', data: { state: standing.state } });
    return {
      events,
      position: { ...after, standing: shown },
      next: isTerminal(standing.state) ? 'end' : 'wait',
    };
  };
}

function fingerprint(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
