import { useMemo } from 'preact/hooks';
import type { Runner, WaitingQueue } from '../data/records.ts';
import { PageLink } from '../parts/link.tsx';
import { Card, TableBox } from '../parts/page.tsx';
import { count, counted } from '../text/words.ts';
import { versionsOf } from './deployment.ts';

/** At a deployment: the versions of the runners beside the versions that wait. */
export function Versions(props: { runners: readonly Runner[]; queues: readonly WaitingQueue[] }) {
  const { runners, queues } = props;
  const rows = useMemo(() => versionsOf(runners, queues), [runners, queues]);
  if (rows.length === 0) return null;
  return (
    <Card title="Versions side by side" class="below">
      <TableBox label="Versions of definitions">
        <table>
          <thead>
            <tr>
              <th scope="col">Definition</th>
              <th scope="col">Version</th>
              <th scope="col">Runners</th>
              <th scope="col">Tasks that wait</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, version, runners: some, tasks, isNewer }) => (
              <tr key={`${name} ${version}`}>
                <td class="task-cell">
                  <PageLink to="tasks" query={`state=queued&state=retrying&name=${encodeURIComponent(name)}`}>
                    {name}
                  </PageLink>
                </td>
                <td>{version}</td>
                <td class="number">
                  {some === 0 ? <span class="muted">none</span> : counted(some, 'runner')}
                </td>
                <td class="number">
                  {tasks === 0 ? <span class="muted">0</span> : count(tasks)}
                  {isNewer && (
                    <span class="sub error-text">newer than every runner: they wait for a new one</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableBox>
    </Card>
  );
}
