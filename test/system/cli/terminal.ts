import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '../../support/until.ts';
import { whenDone } from '../../support/when_done.ts';

/** A terminal in which a command runs. */
export type Terminal = {
  /** All that was written to it. The character that begins escape sequences is shown as `␛`. */
  output(): string;
  /** Waits until the output, or what came after the last call, matches. Gives what came. */
  shows(what: RegExp): Promise<string>;
  type(text: string): void;
  /** Changes the size of the terminal, as a window does. */
  resize(columns: number, rows: number): void;
  /** The exit code. */
  ended: Promise<number | null>;
};

/**
 * Opens a real terminal with `script` of util-linux, and runs a command of a shell in it. The first line that it
 * writes is the name of its device.
 */
export async function openTerminal(
  command: string,
  { columns, rows, environment }: { columns: number; rows: number; environment: Record<string, string> },
): Promise<Terminal> {
  const { PATH = '', HOME = '' } = process.env;
  const lines = `tty; stty cols ${columns} rows ${rows}; exec ${command}`;
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', lines, '/dev/null'], {
    env: { PATH, HOME, TZ: 'UTC', TERM: 'xterm-256color', SHELL: '/bin/sh', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text.replaceAll('\u001B', '␛');
  });
  child.stderr.resume();
  whenDone(() => child.kill('SIGKILL'));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const device = await until('the terminal is open', () => /^\/dev\/\S+/.exec(output)?.[0]);
  return {
    output: () => output,
    shows: async (what) => {
      const shown = await until(`${what}, but:\n${output}`, () => {
        const rest = output.slice(seen);
        return what.test(rest) ? rest : undefined;
      }).catch(() => {
        throw new Error(`The terminal never showed ${what}, but:\n${JSON.stringify(output.slice(seen))}`);
      });
      seen = output.length;
      return shown;
    },
    type: (text) => void child.stdin.write(text),
    resize: (width, height) =>
      void execFileSync('stty', ['-F', device, 'cols', String(width), 'rows', String(height)]),
    ended,
  };
}
