import { useState } from 'preact/hooks';
import { useRoute } from 'preact-iso';
import type { ErrorGroup } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { useTasks } from '../data/use_tasks.ts';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { ExactMoment } from '../parts/moment.tsx';
import { Empty, Standing } from '../parts/notice.tsx';
import { Card, PageHead } from '../parts/page.tsx';
import { useMay } from '../session/principal.ts';
import { BulkDialog } from '../tasks/bulk_dialog.tsx';
import { TaskTable } from '../tasks/task_table.tsx';
import { count, firstLine } from '../text/words.ts';
import { DECISIONS, DecideError, type Decision, decisionsFor } from './decide_error.tsx';

const SHOWN = 20;

/** One group of errors: its example, its tasks, and what can be done about all of them. */
export function ErrorPage() {
  const { id = '' } = useRoute().params;
  const groups = useRead<{ groups: ErrorGroup[] }>(['error', id], '/v1/errors', {
    // A group is the name of its tasks, a colon and a hash.
    query: { name: id.slice(0, Math.max(1, id.lastIndexOf(':'))) },
  });
  const tasks = useTasks(['tasks', 'error', id], { error_group: id, state: 'failed', page_size: SHOWN });
  const group = groups.data?.groups.find((one) => one.error_group === id);
  if (groups.data === undefined) return <Standing asked={groups} what="the error" />;
  if (group === undefined) {
    return (
      <>
        <PageHead title="No task fails with this error" />
        <Empty title="The group is empty">Its tasks were retried, dismissed or removed.</Empty>
      </>
    );
  }
  return (
    <>
      <Head group={group} />
      <Facts group={group} />
      <Card
        title={`${count(group.count, group.count_is_capped)} failed tasks`}
        actions={
          <PageLink to="tasks" query={`state=failed&error_group=${encodeURIComponent(id)}`}>
            All of them
          </PageLink>
        }
      >
        <TaskTable tasks={tasks.data?.rows} asked={tasks} what="the tasks" />
      </Card>
    </>
  );
}

function Head({ group }: { group: ErrorGroup }) {
  const mayOperate = useMay('operate');
  const [decision, setDecision] = useState<Decision | null>(null);
  const [isRetried, setRetried] = useState(false);
  return (
    <PageHead
      title={`${group.error_type}: ${firstLine(group.message, 160)}`}
      lead={`${group.name} · ${group.status}`}
    >
      {mayOperate &&
        decisionsFor(group.status).map((one) => (
          <button key={one} type="button" onClick={() => setDecision(one)}>
            {DECISIONS[one].title}
          </button>
        ))}
      {mayOperate && (
        <button type="button" class="primary" onClick={() => setRetried(true)}>
          Retry all …
        </button>
      )}
      {decision !== null && (
        <DecideError group={group} decision={decision} onClose={() => setDecision(null)} />
      )}
      {isRetried && (
        <BulkDialog kind="retry" errorGroup={group.error_group} onClose={() => setRetried(false)} />
      )}
    </PageHead>
  );
}

function Facts({ group }: { group: ErrorGroup }) {
  const { example, decision } = group;
  return (
    <Card title="What is known">
      <dl class="facts">
        <div>
          <dt>First</dt>
          <dd>
            <ExactMoment time={group.first_seen} /> in version {group.first_version}
          </dd>
        </div>
        <div>
          <dt>Last</dt>
          <dd>
            <ExactMoment time={group.last_seen} /> in version {group.last_version}
          </dd>
        </div>
        <div>
          <dt>Example</dt>
          <dd>
            <TaskLink id={example.task_id} />, attempt {example.attempt}
          </dd>
        </div>
        {decision !== null && (
          <div>
            <dt>Decision</dt>
            <dd>
              {group.status} by {decision.actor} <ExactMoment time={decision.decided_at} />
              {decision.reason !== null && <>: “{decision.reason}”</>}
            </dd>
          </div>
        )}
      </dl>
      {example.error.stack !== null && (
        <details class="stack">
          <summary>Stack of the example</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <pre tabIndex={0}>{example.error.stack}</pre>
        </details>
      )}
    </Card>
  );
}
