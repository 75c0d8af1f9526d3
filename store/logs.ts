import type { State } from '../core/states.ts';
import type { Database } from './pool.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/** A line that a handler logged, as the wire has it. `seq` counts the lines of a task from 1 without a gap. */
export type StoredLine = {
  seq: number;
  attempt: number;
  level: string;
  message: string;
  fields: Record<string, unknown> | null;
  at: string;
};

/** Lines of a task, whether there were more, and the state that it had then. */
export type Lines = { state: State; lines: StoredLine[]; hasMore: boolean };

/** A page ends early rather than hold more than this; it has one line at least. */
const MAX_PAGE_BYTES = 4_000_000;

/**
 * The lines of a task after the one numbered `after`, at most `limit`, and its state, in one snapshot: the last lines of
 * an attempt are written with its outcome, so when the state is terminal and there are no more, none will come. Null when
 * there is no such task that the caller may see. By the primary key of errand.logs.
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
  const lines = rows.flatMap(({ line }) =>
    line === null ? [] : [{ ...line, at: new Date(line.at).toISOString() }],
  );
  return { state: first.state, lines, hasMore: (first.found ?? 0) > lines.length };
}
