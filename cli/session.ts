import { type Client, createClient } from '../client/index.ts';
import { type Connection, connectionOf, type RemoteOptions } from './connection.ts';
import { failureOf, Interrupted } from './failure.ts';
import { paintError } from './output/paint.ts';
import { toInertJson, toPlainText } from './output/plain.ts';
import { type Column, toTable } from './output/table.ts';

/** The tools of a command that talks to an API. */
export type Session = {
  /** For one request: gives up soon, because somebody waits for the command. */
  client: Client;
  /** For what takes long: goes on after a restart of the API. */
  persistent: Client;
  url: string;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  isJson: boolean;
  /** Whether somebody sits at both ends: then questions and progress bars make sense. */
  isInteractive: boolean;
  /** Prints one JSON document. */
  json(value: unknown): void;
  /** Prints one line of JSON. */
  jsonLine(value: unknown): void;
  /** Prints text for people on standard output. It may be coloured, so its parts must be plain already. */
  print(text: string): void;
  /** Prints a remark on standard error. */
  note(text: string): void;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
};

/** How often a request is sent again: for less than a second, or for more than a minute. */
const RETRIES = { client: 2, persistent: 12 };

/** After this time a command ends that has not ended by itself after Ctrl-C. */
const GRACE_MS = 1_000;

/**
 * Runs a command with a session. Sets the exit code of the process and prints what went wrong. Ctrl-C and
 * SIGTERM end the command; the second time they end the process at once.
 */
export async function runRemote(
  options: RemoteOptions,
  run: (session: Session) => Promise<number | undefined>,
): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    const code = signal === 'SIGINT' ? 130 : 143;
    if (stop.signal.aborted) process.exit(code);
    stop.abort(new Interrupted(code));
    // Nothing aborts reading from a terminal.
    setTimeout(() => process.exit(code), GRACE_MS).unref();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let url: string | undefined;
  try {
    const connection = connectionOf(options);
    url = connection.baseUrl;
    process.exitCode = (await run(makeSession(connection, stop.signal, options))) ?? 0;
  } catch (error) {
    const { code, lines } = failureOf(stop.signal.aborted ? stop.signal.reason : error, url);
    for (const [index, line] of lines.entries())
      process.stderr.write(`${index === 0 ? `${paintError('red', 'error:')} ` : ''}${line}\n`);
    if (options.debug === true && error instanceof Error) process.stderr.write(`${stackOf(error)}\n`);
    process.exitCode = code;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function makeSession(connection: Connection, signal: AbortSignal, options: RemoteOptions): Session {
  const clientWith = (retries: number): Client =>
    createClient({ ...connection, signal, retry: { retries }, breaker: false });
  const write = (text: string): void => void process.stdout.write(text);
  return {
    client: clientWith(RETRIES.client),
    persistent: clientWith(RETRIES.persistent),
    url: connection.baseUrl,
    signal,
    isJson: options.json === true,
    isInteractive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    json: (value) => write(`${toInertJson(JSON.stringify(value, null, 2))}\n`),
    jsonLine: (value) => write(`${toInertJson(JSON.stringify(value))}\n`),
    print: (text) => write(`${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
    table: (columns, rows) => write(toTable(columns, rows, process.stdout.columns)),
  };
}

/** An error with what caused it. Messages of others may contain anything. */
function stackOf(error: Error): string {
  const { cause } = error;
  const stack = toPlainText(error.stack ?? error.message);
  return cause instanceof Error ? `${stack}\ncaused by ${stackOf(cause)}` : stack;
}
