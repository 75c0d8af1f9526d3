import type { State } from '../../core/states.ts';
import { isoTime } from '../database/iso_time.ts';
import type { Database } from '../database/pool.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/**
 * A line that a handler logged, as on the wire. `seq` counts the lines of a task from 1 without
 * gaps.
 */
export type StoredLine = {
  seq: number;
  attempt: number;
  level: string;
  message: string;
  fields: Record<string, unknown> | null;
  at: string;
};

/** Lines of a task, whether there are more, and the state of the task at that time. */
export type Lines = { state: State; lines: StoredLine[]; hasMore: boolean };

/** A page ends early instead of exceeding this size, but has at least one line. */
const MAX_PAGE_BYTES = 4_000_000;

/**
 * The lines of a task after the line numbered `after`, at most `limit`, and its state, in one
 * snapshot. The last lines of an attempt are written with its outcome, so if the state is terminal
 * and there are no more lines, none will come. Null if there is no such task that the caller may
 * see. Uses the primary key of errand.logs.
 */
export async function readLines(
  database: Database,
  id: string,
  { after, limit }: { after: number; limit: number },
  visibility: Visibility = null,
): Promise<Lines | null> {
  type Row = { state: State; found: number | null; line: StoredLine | null };
  const { rows } = await database.query<Row>({
    name: 'read_lines',
    text: `
      select t.state, page.found, page.line
        from errand.tasks t
        left join lateral (
               select l.seq,
                      count(*) over () as found,
                      row_number() over (order by l.seq) as number,
                      sum(octet_length(l.message) + coalesce(octet_length(l.fields::text), 0)) over (order by l.seq) as bytes,
                      json_build_object('seq', l.seq, 'attempt', l.attempt, 'level', l.level, 'message', l.message,
                                        'fields', l.fields, 'at', l.at) as line
                 from (select * from errand.logs where task_id = t.id and seq > $2 order by seq limit $3 + 1) l
             ) page on page.number <= $3 and (page.bytes <= ${MAX_PAGE_BYTES} or page.number = 1)
       where t.id = $1 and ${isVisible('$4', '$5')}
       order by page.seq`,
    values: [id, after, limit, ...visibilityValues(visibility)],
  });
  const [first] = rows;
  if (first === undefined) return null;
  const lines = rows.flatMap(({ line }) => (line === null ? [] : [{ ...line, at: isoTime(line.at) }]));
  return { state: first.state, lines, hasMore: (first.found ?? 0) > lines.length };
}
