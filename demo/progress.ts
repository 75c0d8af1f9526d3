import cliProgress from 'cli-progress';

export type Progress = { step(): void; end(): void };

/** How many lines are printed if no bar can be drawn. */
const LINES = 4;

/** Shows how many of `total` are done: a bar in a terminal, a few plain lines otherwise. */
export function showProgress(total: number): Progress {
  return process.stdout.isTTY ? bar(total) : lines(total);
}

function bar(total: number): Progress {
  const drawn = new cliProgress.SingleBar(
    { format: '  {bar} {value}/{total}', stream: process.stdout, hideCursor: true, gracefulExit: true },
    cliProgress.Presets.shades_classic,
  );
  drawn.start(total, 0);
  return { step: () => drawn.increment(), end: () => drawn.stop() };
}

function lines(total: number): Progress {
  const every = Math.ceil(total / LINES);
  let done = 0;
  return {
    step: () => {
      done++;
      if (done % every === 0 || done === total) console.log(`  ${done} of ${total}`);
    },
    end: () => {},
  };
}
