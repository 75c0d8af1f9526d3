import { SingleBar } from 'cli-progress';
import { toOneLine } from './plain.ts';
import { cutTo } from './width.ts';

/** A progress bar on standard error. */
export type Progress = {
  /** `part` is from 0 to 1. */
  update(part: number, note: string): void;
  /** Removes the bar. */
  stop(): void;
};

const BAR_WIDTH = 30;

/** Starts a progress bar. It draws only on a terminal. */
export function startProgress(label: string): Progress {
  if (process.stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    stream: process.stderr,
    format: '{label} {bar} {percentage}% {note}',
    barsize: BAR_WIDTH,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    hideCursor: true,
    linewrap: false,
    // The signals are handled by the session, which stops the bar.
    gracefulExit: false,
  });
  const room = (): number => Math.max(0, (process.stderr.columns ?? 80) - label.length - BAR_WIDTH - 8);
  bar.start(1_000, 0, { label, note: '' });
  return {
    update: (part, note) => bar.update(Math.round(part * 1_000), { note: cutTo(toOneLine(note), room()) }),
    stop: () => bar.stop(),
  };
}
