import type { TaskStats, WaitingQueue } from '../data/records.ts';
import { PageLink } from '../parts/link.tsx';
import { Empty } from '../parts/notice.tsx';
import { Card, TableBox } from '../parts/page.tsx';
import { duration } from '../text/time.ts';
import { count, percent } from '../text/words.ts';

const SHOWN = 30;

/** Each name with its open tasks and how the ended ones did. */
export function Names({ stats, queues }: { stats: TaskStats; queues: readonly WaitingQueue[] }) {
  const waits = new Map(queues.map(({ name, oldest_wait_ms }) => [name, oldest_wait_ms]));
  const names = [...stats.names].sort((a, b) => weight(b) - weight(a)).slice(0, SHOWN);
  if (names.length === 0) return <Empty title="No tasks in this time" />;
  return (
    <Card title="Tasks by name">
      <TableBox label="Tasks by name">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Wait</th>
              <th scope="col">Run</th>
              <th scope="col">Failed</th>
              <th scope="col" class="wide">
                Succeeded
              </th>
              <th scope="col" class="wide">
                Success
              </th>
              <th scope="col" class="wide">
                95 % within
              </th>
              <th scope="col" class="wide">
                Oldest wait
              </th>
            </tr>
          </thead>
          <tbody>
            {names.map((one) => (
              <NameRow key={one.name} of={one} waitMs={waits.get(one.name)} />
            ))}
          </tbody>
        </table>
      </TableBox>
    </Card>
  );
}

type Name = TaskStats['names'][number];

function weight({ open, finished }: Name): number {
  return open.queued + open.retrying + open.running + finished.failed * 10 + finished.succeeded / 1_000;
}

function NameRow({ of: one, waitMs }: { of: Name; waitMs: number | undefined }) {
  const { name, open, finished, success_rate, processing_seconds } = one;
  const of = `name=${encodeURIComponent(name)}`;
  return (
    <tr>
      <td class="task-cell">
        <PageLink to="tasks" query={of}>
          {name}
        </PageLink>
      </td>
      <Amount value={open.queued + open.retrying} query={`state=queued&state=retrying&${of}`} />
      <Amount value={open.running} query={`state=running&${of}`} />
      <Amount value={finished.failed} query={`state=failed&${of}`} isBad />
      <td class="wide number">{count(finished.succeeded)}</td>
      <td class="wide number">{success_rate === null ? '–' : percent(success_rate)}</td>
      <td class="wide number">
        {processing_seconds.p95 === null ? '–' : duration(processing_seconds.p95 * 1_000)}
      </td>
      <td class="wide number">{waitMs === undefined ? '–' : duration(waitMs)}</td>
    </tr>
  );
}

function Amount({ value, query, isBad = false }: { value: number; query: string; isBad?: boolean }) {
  if (value === 0) return <td class="number muted">0</td>;
  return (
    <td class={isBad ? 'number bad' : 'number'}>
      <PageLink to="tasks" query={query}>
        {count(value)}
      </PageLink>
    </td>
  );
}
