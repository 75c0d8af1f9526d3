import { isTerminal } from '../../../core/states.ts';
import type { Database } from '../../../store/database/pool.ts';
import { type Lines, readLines } from '../../../store/tasks/logs.ts';
import { type ReadOn, shareReads } from './follow.ts';

const LINES_AT_A_TIME = 200;

/** The form of an event's id: the number of the last line, followed by `-end` if the end was sent too. */
export const LINE_ID = /^(?<seq>\d{1,9})(?<end>-end)?$/;

/** The position that a reconnecting reader reports. The form of the id has been checked. */
export function linesUpTo(id: string): { position: number; isEnd: boolean } {
  const { seq, end } = LINE_ID.exec(id)?.groups ?? {};
  return { position: Number(seq ?? 0), isEnd: end !== undefined };
}

/** Reads the next lines of a task. The position is the number of the last line. */
export type ReadLines = (taskId: string) => ReadOn<number>;

/** Makes the reader of lines of a process. Readers at the same line share the next read. */
export function linesReader(database: Database): ReadLines {
  const share = shareReads<Lines | null>();
  return (taskId) => async (after, version) => {
    const found = await share(`${taskId} ${after} ${version}`, () =>
      readLines(database, taskId, { after, limit: LINES_AT_A_TIME }),
    );
    if (found === null) return null;
    const { state, lines, hasMore } = found;
    const last = lines.at(-1)?.seq ?? after;
    const events = lines.map((line) => ({ id: String(line.seq), event: 'line', data: line }));
    if (hasMore) return { events, position: last, next: 'more' };
    if (!isTerminal(state)) return { events, position: last, next: 'wait' };
    const end = { id: `${last}-end`, event: 'end', data: { state } };
    return { events: [...events, end], position: last, next: 'end' };
  };
}
