import { useState } from 'preact/hooks';
import type { Explanation, TaskRecord } from '../data/records.ts';
import { useRead } from '../data/use_read.ts';
import { TaskLink } from '../parts/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Standing } from '../parts/notice.tsx';
import { StateBadge } from '../parts/state_badge.tsx';
import { useMay } from '../session/principal.ts';
import { count, counted } from '../text/words.ts';
import { inButtons, type NextStep, nextStepsOf } from '../url/next_steps.ts';
import { StepAction, stepTitle } from './step_action.tsx';

/** Why the task is where it is, and what can be done about it: each next step with its button. */
export function Explain({ task }: { task: TaskRecord }) {
  const explanation = useRead<Explanation>(['explain', task.id], `/v1/tasks/${task.id}/explain`);
  const { data } = explanation;
  if (data === undefined) return <Standing asked={explanation} what="the explanation" />;
  const [, ...others] = data.reasons;
  return (
    <section class={`card explain state-${task.state}`} aria-label="Explanation">
      <p class="summary">{data.summary}</p>
      {others.length > 0 && (
        <ul class="reasons">
          {others.map(({ code, message }) => (
            <li key={code + message}>{message}</li>
          ))}
        </ul>
      )}
      <Concerned explanation={data} />
      <Place explanation={data} />
      <NextSteps task={task} explanation={data} />
    </section>
  );
}

/** The steps or children that the reasons are about. */
function Concerned({ explanation }: { explanation: Explanation }) {
  const tasks = explanation.reasons.flatMap((reason) => reason.tasks ?? []);
  const unique = [...new Map(tasks.map((task) => [task.id, task])).values()];
  if (unique.length === 0) return null;
  return (
    <ul class="concerned">
      {unique.slice(0, 12).map(({ id, name, step, state }) => (
        <li key={id}>
          <StateBadge state={state} /> <TaskLink id={id}>{step ?? name}</TaskLink>
        </li>
      ))}
    </ul>
  );
}

/** The place in the queue, and the runners that could take the task. */
function Place({ explanation }: { explanation: Explanation }) {
  const { queue, runners, next_attempt_at } = explanation;
  if (queue === null && next_attempt_at === null) return null;
  return (
    <p class="hint">
      {queue !== null && (
        <>
          Number {count(queue.position, queue.position_is_capped)} in its queue
          {queue.estimated_start_at !== null && (
            <>
              , may start <Moment time={queue.estimated_start_at} />
            </>
          )}
          .{' '}
        </>
      )}
      {counted(runners.able, 'runner')} of {runners.live} can execute it, with {runners.busy} of{' '}
      {counted(runners.slots, 'slot')} busy.
    </p>
  );
}

function NextSteps({ task, explanation }: { task: TaskRecord; explanation: Explanation }) {
  const mayOperate = useMay('operate');
  const [asked, setAsked] = useState<NextStep | null>(null);
  if (explanation.next_steps.length === 0) return null;
  const names = new Map(
    explanation.reasons.flatMap((reason) =>
      (reason.tasks ?? []).map(({ id, step, name }) => [id, step ?? name] as const),
    ),
  );
  return (
    <div class="next-steps">
      <h2>Next steps</h2>
      <ul>
        {explanation.next_steps.map((sentence) => (
          <li key={sentence}>
            <span>{inButtons(sentence)}</span>
            {mayOperate &&
              nextStepsOf(sentence).map((step) => (
                <button key={JSON.stringify(step)} type="button" onClick={() => setAsked(step)}>
                  {stepTitle(step, task, names)}
                </button>
              ))}
          </li>
        ))}
      </ul>
      {asked !== null && (
        <StepAction step={asked} title={stepTitle(asked, task, names)} onClose={() => setAsked(null)} />
      )}
    </div>
  );
}
