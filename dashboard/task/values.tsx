import type { Cause, TaskRecord } from '../data/records.ts';
import { JsonView } from '../parts/json_view.tsx';
import { Card } from '../parts/page.tsx';

/** What was submitted. */
export function PayloadCard({ task }: { task: TaskRecord }) {
  return (
    <Card title="Payload">
      <JsonView value={task.payload} label="Payload" />
    </Card>
  );
}

/** What the handler returned, if it did. */
export function ResultCard({ task }: { task: TaskRecord }) {
  if (task.state !== 'succeeded' && task.state !== 'resolved') return null;
  return (
    <Card title="Result">
      <JsonView value={task.result} label="Result" />
    </Card>
  );
}

/** The error of the last attempt that failed, with its causes. */
export function ErrorCard({ task }: { task: TaskRecord }) {
  if (task.error === null) return null;
  const { causes = [], metadata, retryable } = task.error;
  const isOver = task.state === 'succeeded' || task.state === 'resolved';
  return (
    <Card title={isOver ? 'Last error before it succeeded' : 'Error'} class={isOver ? '' : 'error-card'}>
      <OneError error={task.error} />
      {causes.map((cause, index) => (
        // The order of causes is what tells them apart
        <div key={index} class="cause">
          <h3>Caused by</h3>
          <OneError error={cause} />
        </div>
      ))}
      {!retryable && <p class="hint">Another attempt cannot correct it, says its handler.</p>}
      {metadata !== null && <JsonView value={metadata} label="Metadata of the error" />}
    </Card>
  );
}

function OneError({ error }: { error: Cause }) {
  const { error_type, error_code, message, stack } = error;
  return (
    <>
      <p class="error-message">
        <strong>{error_type}</strong>
        {error_code !== null && <code> {String(error_code)}</code>}: {message}
      </p>
      {stack !== null && (
        <details class="stack">
          <summary>Stack</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
          <pre tabIndex={0}>{stack}</pre>
        </details>
      )}
    </>
  );
}

/** The progress that the handler reports, while it runs. */
export function Progress({ task }: { task: TaskRecord }) {
  const { progress, progress_note, state } = task;
  if (progress === null || state !== 'running') return null;
  return (
    <section class="card task-progress" aria-label="Progress">
      <progress value={progress} aria-label="Progress" />
      <strong>{Math.floor(progress * 100)} %</strong>
      {progress_note !== null && <span class="muted">{progress_note}</span>}
    </section>
  );
}
