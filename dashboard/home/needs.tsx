import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Overview, Pause, WaitingQueue } from '../data/records.ts';
import { PageLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Card } from '../parts/page.tsx';
import { PauseAction } from '../queues/pause_action.tsx';
import { useMay } from '../session/principal.ts';
import { BulkDialog } from '../tasks/bulk_dialog.tsx';
import { duration } from '../text/time.ts';
import { count, counted, firstLine } from '../text/words.ts';

/** A queue whose oldest task waits longer than this may need another runner. */
const LONG_WAIT_MS = 60_000;
const SHOWN_GROUPS = 6;

/** Everything that needs somebody now, the most urgent first, each with its action. */
export function Needs({ overview }: { overview: Overview }) {
  const { errors, schedules, pauses, runners, queues } = overview;
  const waiting = queues.filter((queue) => queue.runners === 0 || isLate(queue));
  const needs = errors.groups.length + waiting.length + schedules.length + pauses.length;
  const isQuiet = needs + errors.quarantined_tasks === 0 && runners.live > 0;
  return (
    <Card title="Needs somebody" class="needs" actions={<RunnerLine runners={runners} />}>
      {isQuiet && (
        <p class="quiet-line">✓ Nothing. No open errors, late tasks, overdue schedules or pauses.</p>
      )}
      <ul>
        {runners.live === 0 && (
          <Need kind="bad" title="No runner is live" what="Tasks wait until one starts: npm run runner" />
        )}
        {waiting.map((queue) => (
          <Late key={queue.name} queue={queue} />
        ))}
        {errors.quarantined_tasks > 0 && (
          <Need
            kind="bad"
            title={counted(errors.quarantined_tasks, 'quarantined task')}
            what="They have killed their runners. Find out why before you retry them."
          >
            <PageLink to="tasks" query="state=failed&error=quarantined" class="button">
              Show them
            </PageLink>
          </Need>
        )}
        {errors.groups.slice(0, SHOWN_GROUPS).map((group) => (
          <Group key={group.error_group} group={group} />
        ))}
        {errors.groups.length > SHOWN_GROUPS && (
          <Need kind="warn" title={`${errors.groups.length - SHOWN_GROUPS} more kinds of errors`} what="">
            <PageLink to="errors" class="button">
              All errors
            </PageLink>
          </Need>
        )}
        {schedules.map(({ id, task, due_at, broken }) => (
          <Need
            key={id}
            kind="bad"
            title={`Schedule ${id} is ${broken === null ? 'overdue' : 'broken'}`}
            what={
              broken ?? (
                <>
                  {task} was due <Moment time={due_at} />, and no runner has handled it.
                </>
              )
            }
          >
            <PageLink to={`schedules/${encodeURIComponent(id)}`} class="button">
              Open
            </PageLink>
          </Need>
        ))}
        {pauses.map((pause) => (
          <Paused key={pause.target} pause={pause} />
        ))}
      </ul>
    </Card>
  );
}

function isLate({ oldest_wait_ms, is_paused }: WaitingQueue): boolean {
  return !is_paused && oldest_wait_ms > LONG_WAIT_MS;
}

function RunnerLine({ runners }: { runners: Overview['runners'] }) {
  const { live, overdue, blocked, slots, busy } = runners;
  return (
    <span class="hint">
      <PageLink to="runners">{counted(live, 'runner')}</PageLink>, {busy} of {counted(slots, 'slot')} busy
      {overdue > 0 && <b class="error-text">, {overdue} overdue</b>}
      {blocked > 0 && <b class="error-text">, {blocked} blocked</b>}
    </span>
  );
}

function Need(props: {
  kind: 'bad' | 'warn' | 'info';
  title: ComponentChildren;
  what: ComponentChildren;
  children?: ComponentChildren;
}) {
  const { kind, title, what, children } = props;
  return (
    <li class={`need need-${kind}`}>
      <div>
        <p class="need-title">{title}</p>
        <p class="hint">{what}</p>
      </div>
      {children && <div class="actions">{children}</div>}
    </li>
  );
}

function Group({ group }: { group: Overview['errors']['groups'][number] }) {
  const mayOperate = useMay('operate');
  const [isAsked, setAsked] = useState(false);
  const { error_group, name, error_type, message, count: failed, count_is_capped, status, is_new } = group;
  return (
    <Need
      kind="warn"
      title={
        <>
          <PageLink to={`errors/${encodeURIComponent(error_group)}`}>
            {error_type}: {firstLine(message, 120)}
          </PageLink>
          {is_new && <span class="tag new">new</span>}
          {status === 'regressed' && <span class="tag new">regressed</span>}
        </>
      }
      what={
        <>
          {count(failed, count_is_capped)} failed {failed === 1 ? 'task' : 'tasks'} of {name}, the last{' '}
          <Moment time={group.last_seen} />
        </>
      }
    >
      {mayOperate && (
        <button type="button" onClick={() => setAsked(true)}>
          Retry all …
        </button>
      )}
      {isAsked && <BulkDialog kind="retry" errorGroup={error_group} onClose={() => setAsked(false)} />}
    </Need>
  );
}

function Late({ queue }: { queue: WaitingQueue }) {
  const { name, waiting, waiting_is_capped, oldest_wait_ms, runners, runner_versions } = queue;
  const versions = queue.waiting_versions.map(({ version }) => version).join(', ');
  const live = runner_versions.map(({ version, runners: some }) => `${version} (${some})`).join(', ');
  return (
    <Need
      kind={runners === 0 ? 'bad' : 'warn'}
      title={runners === 0 ? `No live runner has ${name}` : `${name} waits`}
      what={
        <>
          {count(waiting, waiting_is_capped)} {waiting === 1 ? 'task waits' : 'tasks wait'}, the oldest for{' '}
          {duration(oldest_wait_ms)}
          {versions !== '' && `. Waiting: version ${versions}`}
          {live !== '' && `. Runners: version ${live}`}
        </>
      }
    >
      <PageLink
        to="tasks"
        query={`state=queued&state=retrying&name=${encodeURIComponent(name)}`}
        class="button"
      >
        Show them
      </PageLink>
    </Need>
  );
}

function Paused({ pause }: { pause: Pause }) {
  const mayOperate = useMay('operate');
  const [isAsked, setAsked] = useState(false);
  return (
    <Need
      kind="info"
      title={`${pause.target} is paused`}
      what={
        <>
          by {pause.actor}, <Moment time={pause.paused_at} />
          {pause.reason !== null && `: “${pause.reason}”`}
        </>
      }
    >
      {mayOperate && (
        <button type="button" onClick={() => setAsked(true)}>
          Resume
        </button>
      )}
      {isAsked && <PauseAction queue={pause.target} kind="resume" onClose={() => setAsked(false)} />}
    </Need>
  );
}
