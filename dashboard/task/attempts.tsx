import { useState } from 'preact/hooks';
import type { Attempt, TaskRecord } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { type Bar, waterfall } from '../graph/waterfall.ts';
import { Moment, useNow } from '../parts/moment.tsx';
import { Standing } from '../parts/notice.tsx';
import { Card, TableBox } from '../parts/page.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { duration } from '../text/time.ts';
import { counted, firstLine } from '../text/words.ts';

/** The attempts on one scale of time, with the waits between them. */
export function Attempts({ task }: { task: TaskRecord }) {
  const [isAll, setAll] = useState(false);
  const { attempts, attempts_total, created_at } = task;
  const now = useNow(task.state === 'running' ? 1_000 : 60_000);
  if (attempts.length === 0) return null;
  const more = attempts_total - attempts.length;
  return (
    <Card title={counted(attempts_total, 'attempt')}>
      <TableBox label="Attempts">
        <table class="waterfall">
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">Outcome</th>
              <th scope="col">Started</th>
              <th scope="col">Took</th>
              <th scope="col" class="wide bar-cell">
                From the submission to the end
              </th>
            </tr>
          </thead>
          <tbody>
            {waterfall(attempts, created_at, now).map((bar) => (
              <Row key={`${bar.attempt.attempt} ${bar.attempt.started_at}`} bar={bar} />
            ))}
          </tbody>
        </table>
      </TableBox>
      {more > 0 && !isAll && (
        <button type="button" class="below-table" onClick={() => setAll(true)}>
          Show {counted(more, 'earlier attempt')}
        </button>
      )}
      {isAll && <Earlier task={task} />}
    </Card>
  );
}

function Row({ bar }: { bar: Bar }) {
  const { attempt, start, length, tookMs } = bar;
  const { runner, error } = attempt;
  return (
    <>
      <tr>
        <td class="number">{attempt.attempt}</td>
        <td>
          <StateBadge state={attempt.outcome} />
        </td>
        <td>
          <Moment time={attempt.started_at} />
        </td>
        <td class="number">{tookMs === null ? '–' : duration(tookMs)}</td>
        <td class="wide bar-cell">
          <div class="track">
            <div
              class={`bar state-${attempt.outcome}`}
              style={{ left: `${start * 100}%`, width: `${length * 100}%` }}
            />
          </div>
        </td>
      </tr>
      {(error !== null || runner !== null) && (
        <tr class="detail-row">
          <td />
          <td colSpan={4}>
            {runner !== null && (
              <span class="muted">
                runner {runner.id} on {runner.host}, process {runner.pid}
              </span>
            )}
            {error !== null && (
              <span class="error-text">
                {' '}
                {error.error_type}: {firstLine(error.message, 200)}
              </span>
            )}
          </td>
        </tr>
      )}
    </>
  );
}

/** The attempts before the last ten. */
function Earlier({ task }: { task: TaskRecord }) {
  const before = task.attempts[0]?.attempt;
  const page = useRead<{ items: Attempt[]; next_before: number | null }>(
    ['attempts', task.id, before],
    `/v1/tasks/${task.id}/attempts`,
    { query: { before, page_size: 100 } },
  );
  if (page.data === undefined) return <Standing asked={page} what="earlier attempts" />;
  return (
    <TableBox label="Earlier attempts">
      <table>
        <tbody>
          {waterfall(page.data.items, task.created_at, Date.now()).map((bar) => (
            <Row key={`${bar.attempt.attempt} ${bar.attempt.started_at}`} bar={bar} />
          ))}
        </tbody>
      </table>
    </TableBox>
  );
}
