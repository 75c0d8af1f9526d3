import { isTerminal } from '../../core/states.ts';
import { type Lines, readLines } from '../../store/logs.ts';
import type { Database } from '../../store/pool.ts';
import { type ReadOn, shareReads } from './follow.ts';

const LINES_AT_A_TIME = 200;

/** Reads on in the lines of a task; the position is the number of the last one. */
export type ReadLines = (taskId: string) => ReadOn<number>;

/** Makes the reader of lines of a process: those who are at the same line share what comes after it. */
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
    const end = { id: String(last), event: 'end', data: { state } };
    return { events: [...events, end], position: last, next: 'end' };
  };
}
