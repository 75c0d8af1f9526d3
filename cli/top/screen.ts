/** A terminal that shows one picture after the other. */
export type Screen = {
  draw(lines: readonly string[]): void;
  size(): { columns: number; rows: number };
  /** Gives the terminal back as it was. */
  restore(): void;
};

const ALTERNATE = { enter: '\u001B[?1049h\u001B[?25l', leave: '\u001B[?25h\u001B[?1049l' };
const HOME = '\u001B[H';
const CLEAR_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';
const CTRL_C = '\u0003';

/**
 * Takes the terminal: the alternate screen, so that what stood there comes back, and single keys. `onQuit` is
 * called for q, `onInterrupt` for Ctrl-C, `onResize` when the terminal has another size.
 */
export function takeScreen(on: { quit: () => void; interrupt: () => void; resize: () => void }): Screen {
  const { stdin, stdout } = process;
  let isTaken = true;
  const onKey = (key: Buffer): void => {
    const text = key.toString();
    if (text.includes(CTRL_C)) on.interrupt();
    else if (/q/i.test(text)) on.quit();
  };
  const restore = (): void => {
    if (!isTaken) return;
    isTaken = false;
    stdout.off('resize', on.resize);
    stdin.off('data', onKey);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stdout.write(ALTERNATE.leave);
  };
  // Also if the process ends in another way.
  process.once('exit', restore);
  stdout.write(ALTERNATE.enter);
  stdout.on('resize', on.resize);
  // In raw mode Ctrl-C is a key and no signal.
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', onKey).resume();
  return {
    // Line by line over the old picture: clearing first would flicker.
    draw: (lines) =>
      void stdout.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`),
    size: () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 }),
    restore,
  };
}
