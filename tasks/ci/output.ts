import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import { sanitizeText } from '../../core/json/json.ts';
import type { OutputStream } from './process_group.ts';

/**
 * The output of a build that is kept: the log of an attempt holds 10,000 lines, and some of these
 * are about the build.
 */
const MAX_LINES = 9_000;
const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_LINE_LENGTH = 2_000;
/**
 * An attempt may have 2,000 lines that wait to be stored, and they are stored every 250 ms. So this
 * many lines are logged at once …
 */
const BURST_LINES = 500;
/**
 * … and this many per second after that. So Postgres can be slow for nearly two seconds and no line
 * is lost.
 */
const LINES_PER_SECOND = 800;
const PAUSE_MS = 50;
/** The last lines of the output, for the error. */
const TAIL_LINES = 30;
const TAIL_LINE_LENGTH = 500;

/** The output of a build. */
export type Output = {
  /** Logs the complete lines of a chunk. Resolves when it can take more. */
  take(stream: OutputStream, chunk: Buffer): Promise<void>;
  /** Logs the last line if it has no line feed. */
  end(): Promise<void>;
  lines(): number;
  truncated(): boolean;
  tail(): string[];
};

/**
 * Splits the output of a build into lines and logs them, no faster than they can be stored.
 * `signal` ends the waiting.
 */
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
        `The output has more than ${MAX_LINES} lines or ${MAX_CHARACTERS} characters: the rest is counted but not kept`,
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

/** Splits bytes into lines. Invalid UTF-8 is replaced, and long lines are cut. */
function createSplitter() {
  const decoder = new TextDecoder();
  let partial = '';
  const push = (text: string): void => {
    // One character more than is shown marks the line as cut. So a line without an end takes no
    // memory.
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

/** Resolves at once for a burst of lines, and after that at an even pace. */
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
