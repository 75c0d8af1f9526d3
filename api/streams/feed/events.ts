import { createHash } from 'node:crypto';
import { isTerminal } from '../../../core/states.ts';
import type { Database } from '../../../store/database/pool.ts';
import { type History, readHistory } from '../../../store/tasks/history.ts';
import type { ServerEvent } from './event_stream.ts';
import { type ReadOn, shareReads } from './follow.ts';

/**
 * The events already sent: all attempts before `attempt`, the state of the task as a fingerprint ('' if it
 * was not sent), and whether the end was sent.
 */
export type Sent = { attempt: number; standing: string; isEnd: boolean };

export const NOTHING_SENT: Sent = { attempt: 1, standing: '', isEnd: false };

/** The form of an event's id. It encodes the events sent so far, including this one. */
export const EVENT_ID = /^(?<attempt>[1-9]\d{0,8})-(?<standing>[0-9a-f]{16})?(?<end>-end)?$/;

/** The position that a reconnecting reader reports. The form of the id has been checked. */
export function sentUpTo(id: string): Sent {
  const { attempt, standing, end } = EVENT_ID.exec(id)?.groups ?? {};
  return { attempt: Number(attempt ?? 1), standing: standing ?? '', isEnd: end !== undefined };
}

/** Reads the next events of a task. */
export type ReadEvents = (taskId: string) => ReadOn<Sent>;

/**
 * Makes the reader of events of a process. Each attempt that ended without success is an event. The state of
 * the task is an event if it differs from the last one sent. So a reader that was away gets every such
 * attempt, and the latest state and progress.
 */
export function eventsReader(database: Database): ReadEvents {
  const share = shareReads<History | null>();
  return (taskId) => async (sent, version) => {
    const history = await share(`${taskId} ${sent.attempt} ${version}`, () =>
      readHistory(database, taskId, sent.attempt),
    );
    if (history === null) return null;
    const { standing, ended, hasMore } = history;
    const events: ServerEvent[] = ended.map((attempt) => ({
      id: `${attempt.attempt + 1}-`,
      event: 'attempt',
      data: attempt,
    }));
    const after: Sent = { ...sent, attempt: (ended.at(-1)?.attempt ?? sent.attempt - 1) + 1 };
    if (hasMore) return { events, position: after, next: 'more' };
    const shown = fingerprint(standing);
    const id = `${after.attempt}-${shown}`;
    if (shown !== sent.standing) events.push({ id, event: 'state', data: standing });
    if (isTerminal(standing.state)) {
      events.push({ id: `${id}-end`, event: 'end', data: { state: standing.state } });
    }
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
