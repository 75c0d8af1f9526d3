import { useEffect, useRef, useState } from 'preact/hooks';
import type { LogLine } from '../../client/records.ts';
import { createFollow } from '../../client/streams/event_stream.ts';
import { taskLogs } from '../../client/streams/logs.ts';
import { messageOf } from '../data/api.ts';
import type { TaskRecord } from '../data/records.ts';
import { Notice } from '../parts/notice.tsx';
import { Card } from '../parts/page.tsx';
import { useClient } from '../session/context.ts';
import { exactTime } from '../text/time.ts';

/** The lines that are kept on the page. The API has all of them. */
const MAX_LINES = 2_000;
/** Lines that come together are shown together. */
const SHOW_EVERY_MS = 150;

/** The log of the task: what there is, and new lines as they are logged. */
export function Log({ task }: { task: TaskRecord }) {
  const { lines, dropped, error, isOver } = useLog(task.id, task.attempt);
  const box = useRef<HTMLOListElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  // It scrolls when lines have come
  useEffect(() => {
    if (isFollowing && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, isFollowing]);
  return (
    <Card title="Log" actions={<span class="hint">{isOver ? 'The end' : 'Following'}</span>}>
      {error !== null && <Notice kind="error">{error}</Notice>}
      {lines.length === 0 ? (
        <p class="muted">{isOver ? 'It logged nothing.' : 'No lines yet.'}</p>
      ) : (
        <ol
          ref={box}
          class="log"
          aria-label="Lines"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
          tabIndex={0}
          onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
            setFollowing(scrollTop + clientHeight >= scrollHeight - 8)
          }
        >
          {dropped && <li class="muted">… earlier lines are not shown</li>}
          {lines.map((line) => (
            <Line key={line.seq} line={line} />
          ))}
        </ol>
      )}
    </Card>
  );
}

function Line({ line }: { line: LogLine }) {
  const { at, level, message, fields } = line;
  return (
    <li class={`level-${level}`}>
      <time dateTime={at} title={exactTime(at)}>
        {exactTime(at).slice(11, 23)}
      </time>{' '}
      <b>{level}</b> <span>{message}</span>
      {fields !== null && <span class="muted"> {JSON.stringify(fields)}</span>}
    </li>
  );
}

type Read = { lines: LogLine[]; dropped: boolean; error: string | null; isOver: boolean };

/** Follows the lines of a task by a stream. A later attempt, after a retry, is followed again. */
function useLog(id: string, attempt: number): Read {
  const client = useClient();
  const [read, setRead] = useState<Read>({ lines: [], dropped: false, error: null, isOver: false });
  const last = useRef(0);
  // The stream of the last attempt has ended
  useEffect(() => {
    const end = new AbortController();
    let waiting: LogLine[] = [];
    const show = (more: Partial<Read> = {}): void => {
      const come = waiting;
      waiting = [];
      setRead((before) => {
        const lines = come.length === 0 ? before.lines : [...before.lines, ...come];
        const dropped = before.dropped || lines.length > MAX_LINES;
        return { ...before, ...more, lines: lines.slice(-MAX_LINES), dropped };
      });
    };
    const timer = setInterval(() => waiting.length > 0 && show(), SHOW_EVERY_MS);
    const follow = async (): Promise<void> => {
      show({ isOver: false, error: null });
      const parts = { transport: client.transport, follow: createFollow(client.transport) };
      const options = { follow: true, after: last.current, signal: end.signal };
      for await (const line of taskLogs(parts, id, options)) {
        last.current = line.seq;
        waiting.push(line);
      }
      show({ isOver: true });
    };
    follow().catch((error: unknown) => {
      if (!end.signal.aborted) show({ error: messageOf(error) });
    });
    return () => {
      clearInterval(timer);
      end.abort();
    };
  }, [client, id, attempt]);
  return read;
}
