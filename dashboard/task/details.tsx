import type { ComponentChildren } from 'preact';
import type { TaskRecord } from '../data/records.ts';
import { PageLink, TaskLink } from '../parts/link.tsx';
import { ExactMoment } from '../parts/moment.tsx';
import { Card } from '../parts/page.tsx';
import { duration } from '../text/time.ts';

/** All that is recorded about a task besides its values. */
export function Details({ task }: { task: TaskRecord }) {
  return (
    <div class="column">
      <Card title="Times">
        <dl class="facts">
          <Fact name="Created">
            <ExactMoment time={task.created_at} />
          </Fact>
          <Fact name="Due">
            <ExactMoment time={task.run_at} />
          </Fact>
          {task.expires_at !== null && (
            <Fact name={task.state === 'expired' ? 'Expired' : 'Expires'}>
              <ExactMoment time={task.expires_at} />
            </Fact>
          )}
          <Fact name="Started">
            <ExactMoment time={task.started_at} />
          </Fact>
          <Fact name="Finished">
            <ExactMoment time={task.finished_at} />
          </Fact>
          <Fact name="Waited">{between(task.run_at, task.started_at)}</Fact>
          <Fact name="Took">{between(task.started_at, task.finished_at)}</Fact>
        </dl>
      </Card>
      <Card title="Details">
        <dl class="facts">
          <Facts task={task} />
        </dl>
      </Card>
    </div>
  );
}

function Facts({ task }: { task: TaskRecord }) {
  const texts: [name: string, value: string | null][] = [
    ['Version', task.version],
    ['Attempt', `${task.attempt} of ${task.max_attempts}`],
    ['Priority', String(task.priority)],
    ['Runner', task.runner_id === null ? null : String(task.runner_id)],
    ['Crashes', task.crashes === 0 ? null : String(task.crashes)],
    ['Initiator', task.initiator],
    ['Source system', task.source_system],
    ['Reason', task.reason],
    ['Duplicates by', task.dedup?.replaceAll('_', ' ') ?? null],
    ['Key of duplicates', task.dedup_key],
    ['Debounced', task.debounced ? String(task.debounced) : null],
    ['Key of limits', task.concurrency_key],
    ['Time limit', task.timeout_seconds === null ? null : duration(task.timeout_seconds * 1_000)],
    ['Callback', task.callback_url],
    ['Request', task.request_id],
    ['Trace', task.traceparent],
  ];
  return (
    <>
      <Fact name="Name">
        <PageLink to="tasks" query={`name=${encodeURIComponent(task.name)}`}>
          {task.name}
        </PageLink>
      </Fact>
      {task.submitted_by !== null && (
        <Fact name="Submitted by">
          <Submitter by={task.submitted_by} />
        </Fact>
      )}
      {task.tags.length > 0 && (
        <Fact name="Tags">
          {task.tags.map((tag) => (
            <PageLink key={tag} to="tasks" query={`tag=${encodeURIComponent(tag)}`} class="tag">
              {tag}
            </PageLink>
          ))}
        </Fact>
      )}
      {texts.map(
        ([name, value]) =>
          value !== null && (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ),
      )}
    </>
  );
}

function Submitter({ by }: { by: string }) {
  if (by.startsWith('task:')) {
    return (
      <>
        task <TaskLink id={by.slice('task:'.length)} />
      </>
    );
  }
  return (
    <PageLink to="tasks" query={`submitted_by=${encodeURIComponent(by)}`}>
      {by}
    </PageLink>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function between(from: string | null, to: string | null): string {
  if (from === null || to === null) return '–';
  return duration(Math.max(0, Date.parse(to) - Date.parse(from)));
}
