import { toCamelCase } from '../camel_case.ts';
import { hasEnded, type LogLine, type TaskEvent, type TaskRecord } from '../records.ts';
import { pause, startDeadline } from '../requests/deadline.ts';
import type { CallOptions } from '../requests/options.ts';
import type { Transport } from '../requests/transport.ts';
import { getTask, taskPath } from '../tasks.ts';
import { type Follow, StreamUnavailable } from './event_stream.ts';

export type LogOptions = CallOptions & {
  /** Give new lines until the task has ended. By default, only the existing lines. */
  follow?: boolean | undefined;
  /** Only lines after this number. */
  after?: number | undefined;
};

type ClientParts = { transport: Transport; follow: Follow };
type Page = { items: unknown[]; next_after: number; has_more: boolean; state: string };

const PAGE_SIZE = 1_000;
/** The interval for polling if streams are not available. */
const POLL_MS = 1_000;

/**
 * Gives the log lines of a task, each once and in order. To follow them, it uses a stream, and resumes it
 * after the last line whenever it breaks. Without streams it polls.
 */
export async function* taskLogs(
  { transport, follow }: ClientParts,
  id: string,
  options: LogOptions = {},
): AsyncGenerator<LogLine> {
  const { signal } = options;
  let after = options.after ?? 0;
  if (options.follow === true) {
    try {
      const lastEventId = after > 0 ? String(after) : undefined;
      for await (const { event, data } of follow({ path: `${taskPath(id)}/logs`, lastEventId, signal })) {
        if (event === 'end') return;
        const line = toCamelCase(data) as LogLine;
        if (event !== 'line' || line.seq <= after) continue;
        after = line.seq;
        yield line;
      }
    } catch (error) {
      if (!(error instanceof StreamUnavailable)) throw error;
    }
  }
  yield* pagesOfLines(transport, id, { ...options, after });
}

async function* pagesOfLines(
  transport: Transport,
  id: string,
  { signal, follow = false, after = 0 }: LogOptions,
): AsyncGenerator<LogLine> {
  for (;;) {
    const { body } = await transport.send({
      method: 'GET',
      path: `${taskPath(id)}/logs`,
      query: { after, page_size: PAGE_SIZE },
      signal,
      keepsTrying: follow,
    });
    const page = body as Page;
    for (const item of page.items) yield toCamelCase(item) as LogLine;
    after = page.next_after;
    if (page.has_more) continue;
    if (!follow || hasEnded(page.state)) return;
    await pauseUnlessAborted(POLL_MS, signal);
  }
}

/** Gives the current state of a task, and each change of its state and progress, until it has ended. */
export async function* taskEvents(
  { transport, follow }: ClientParts,
  id: string,
  { signal }: CallOptions = {},
): AsyncGenerator<TaskEvent> {
  let last = '';
  try {
    for await (const { event, data } of follow({ path: `${taskPath(id)}/events`, signal })) {
      if (event === 'end') return;
      if (event !== 'state') continue;
      const sent = toCamelCase(data) as TaskEvent;
      last = JSON.stringify(sent);
      yield sent;
    }
  } catch (error) {
    if (!(error instanceof StreamUnavailable)) throw error;
  }
  for (;;) {
    const task = await getTask(transport, id, { signal, waitSeconds: 0 });
    const event = eventOf(task);
    const current = JSON.stringify(event);
    if (current !== last) yield event;
    if (hasEnded(task.state)) return;
    last = current;
    await pauseUnlessAborted(POLL_MS, signal);
  }
}

function eventOf(task: TaskRecord): TaskEvent {
  const { id, name, state, attempt, maxAttempts, runAt, startedAt, finishedAt } = task;
  const { cancelRequestedAt, progress, progressNote, error } = task;
  const standing = { id, name, state, attempt, maxAttempts, runAt, startedAt, finishedAt };
  return { ...standing, cancelRequestedAt, progress, progressNote, error };
}

async function pauseUnlessAborted(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const scope = startDeadline(undefined, [signal]);
  try {
    await pause(ms, scope.signal);
  } finally {
    scope.end();
  }
}
