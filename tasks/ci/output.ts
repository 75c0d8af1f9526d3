import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { sanitizeText } from '../../core/json.ts';
import type { OutputStream } from './process_group.ts';

/** What of a build is kept: the log of an attempt holds 10,000 lines, some of which are about the build. */
const MAX_LINES = 9_000;
const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_LINE_LENGTH = 2_000;
/** Of an attempt 2,000 lines may wait to be stored, and they are stored every 250 ms: so many come at once … */
const BURST_LINES = 500;
/** … and so many in a second after that, so that Postgres can be slow for nearly two seconds and none is lost. */
const LINES_PER_SECOND = 800;
const PAUSE_MS = 50;
/** The end of the output, for the error. */
const TAIL_LINES = 30;
const TAIL_LINE_LENGTH = 500;

/** What a build writes. */
export type Output = {
  /** Logs the lines of a chunk as they are complete. Resolves when more can be taken. */
  take(stream: OutputStream, chunk: Buffer): Promise<void>;
  /** Logs what has no line feed at its end. */
  end(): Promise<void>;
  lines(): number;
  truncated(): boolean;
  tail(): string[];
};

/** Makes lines of what a build writes and logs them, at a pace at which each can be stored; `signal` ends the waiting. */
export function createOutput(log: Logger, signal: AbortSignal): Output {
  let [lines, characters, truncated] = [0, 0, false];
  let tail: string[] = [];
  const pace = createPace(signal);
  const streams = { stdout: createSplitter(), stderr: createSplitter() };

  async function write(stream: OutputStream, text: string): Promise<void> {
    lines++;
    tail.push(text);
    if (tail.length > 2 * TAIL_LINES) tail = tail.slice(-TAIL_LINES);
    if (truncated) return;
    if (lines > MAX_LINES || characters + text.length > MAX_CHARACTERS) {
      truncated = true;
      log.warn(
        `The output goes on beyond ${MAX_LINES} lines or ${MAX_CHARACTERS} characters: what follows is counted, not kept`,
      );
      return;
    }
    characters += text.length;
    await pace();
    if (stream === 'stderr') log.info({ stream }, text);
    else log.info(text);
  }

  return {
    async take(stream, chunk) {
      for (const line of streams[stream].add(chunk)) await write(stream, line);
    },
    async end() {
      for (const stream of ['stdout', 'stderr'] as const) {
        for (const line of streams[stream].rest()) await write(stream, line);
      }
    },
    lines: () => lines,
    truncated: () => truncated,
    tail: () => tail.slice(-TAIL_LINES).map((text) => sanitizeText(text.slice(0, TAIL_LINE_LENGTH))),
  };
}

/** Makes lines of bytes: what is no UTF-8 is replaced, what is too long is cut. */
function createSplitter() {
  const decoder = new TextDecoder();
  let partial = '';
  const push = (text: string): void => {
    // One more than is shown tells that there was more; a line without an end takes no memory.
    if (partial.length <= MAX_LINE_LENGTH) partial += text.slice(0, MAX_LINE_LENGTH + 1 - partial.length);
  };
  const complete = (): string => {
    const line = partial.length > MAX_LINE_LENGTH ? `${partial.slice(0, MAX_LINE_LENGTH)}…` : partial;
    partial = '';
    return line.replace(/\r$/, '');
  };
  return {
    *add(chunk: Buffer): Generator<string> {
      const parts = decoder.decode(chunk, { stream: true }).split('\n');
      for (const [index, part] of parts.entries()) {
        push(part);
        if (index < parts.length - 1) yield complete();
      }
    },
    *rest(): Generator<string> {
      push(decoder.decode());
      if (partial !== '') yield complete();
    },
  };
}

/** Resolves at once for a burst of lines, and later so that they come at an even pace. */
function createPace(signal: AbortSignal): () => Promise<void> {
  let left = BURST_LINES;
  let since = performance.now();
  return async () => {
    while (left < 1 && !signal.aborted) {
      await setTimeout(PAUSE_MS, undefined, { signal }).catch(() => {});
      const now = performance.now();
      left = Math.min(BURST_LINES, left + ((now - since) / 1_000) * LINES_PER_SECOND);
      since = now;
    }
    left--;
  };
}
