import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { embeddedUrl } from '../config/load.ts';
import { plainEnvironment } from './account.ts';
import { ensureCluster, PASSWORD, USER } from './cluster.ts';
import { clearLeftover, stopServer } from './leftover.ts';
import { choosePlace, type Place } from './place.ts';
import { freePort, portProblem } from './ports.ts';

const HOST = '127.0.0.1';

/** A server that recovers from a crash answers late; one that can't start ends, which is noticed at once. */
const READY_WITHIN_MS = 120_000;
const READY_POLL_MS = 25;
/** How long processes of a server that was killed may take to notice it; until then no other can start. */
const SURVIVORS_WITHIN_MS = 15_000;
const SURVIVORS_POLL_MS = 200;
const LOG_KEPT_BYTES = 10_000_000;
const LOG_TAIL_LINES = 20;

/** fsync and full_page_writes stay on: this is somebody's data. */
const DEFAULT_SETTINGS = {
  max_connections: '200',
  shared_buffers: '128MB',
  random_page_cost: '1.1',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

export type PostgresOptions = {
  /** A folder of its own, made when missing: data in `postgres`, the server's log in `postgres.log`. */
  readonly directory: string;
  /** On 127.0.0.1; 0: any free one. */
  readonly port: number;
  /** Settings of postgresql.conf that go before the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Gets a sentence for a person when there is something to say. */
  readonly log: (line: string) => void;
};

/** A running Postgres that has answered a query. */
export type Postgres = {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server's process has ended, asked to or not, with how. */
  readonly exited: Promise<string>;
  /** Fast shutdown; resolves when the process is gone. */
  stop(): Promise<void>;
};

type Server = {
  readonly pid: number;
  readonly exited: Promise<string>;
  hasEnded(): boolean;
  stop(): Promise<void>;
};

/**
 * Starts Postgres on the data in `<directory>/postgres`, making them the first time, and resolves when it
 * answers; database, user and password are `errand`. What an earlier run left behind is dealt with, so a directory
 * must have one user at a time (`npm start` makes sure). It ends with this process, unless that is killed.
 * Throws, with nothing left running: the port is in use, the data belong to another version, no account to run as;
 * the end of the server's log is in the message when it would not start.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const settings = { ...DEFAULT_SETTINGS, ...options.settings };
  const place = await choosePlace(options.directory, options.log);
  await clearLeftover(place.data, options.log);
  if (await ensureCluster(place, options.settings?.fsync !== 'off')) {
    options.log(`Made a new embedded Postgres ${place.version.split('-')[0]} in ${place.data}.`);
  }
  const logFile = join(options.directory, 'postgres.log');
  await keepLogSmall(logFile);
  const until = Date.now() + SURVIVORS_WITHIN_MS;
  for (;;) {
    const port = options.port === 0 ? await freePort(HOST) : options.port;
    const problem = await portProblem(HOST, port);
    if (problem !== null && options.port !== 0) throw portError(port, problem);
    const outcome = await launch(place, port, settings, logFile);
    if ('exited' in outcome) return { ...outcome, port, url: embeddedUrl(port) };
    if (Date.now() < until && mayRetry(outcome.tail, options.port)) await sleep(SURVIVORS_POLL_MS);
    else if (isPortTaken(outcome.tail)) throw portError(port, 'EADDRINUSE');
    else
      throw new Error(
        `The embedded Postgres did not start (${outcome.why}). From ${logFile}:\n${outcome.tail}`,
      );
  }
}

function mayRetry(tail: string, wantedPort: number): boolean {
  if (isPortTaken(tail)) return wantedPort === 0;
  return /pre-existing shared memory block .* is still in use/.test(tail);
}

function isPortTaken(tail: string): boolean {
  return tail.includes('Address already in use');
}

function portError(port: number, problem: string): Error {
  const inUse = problem === 'EADDRINUSE';
  return new Error(
    `The embedded Postgres can't listen on ${HOST}:${port}: the port is ${inUse ? 'in use by another program' : `refused (${problem})`}. ` +
      `${inUse ? 'Stop that program or set' : 'Set'} EMBEDDED_POSTGRES_PORT to a free port.`,
  );
}

type Failure = { readonly why: string; readonly tail: string };

async function launch(
  place: Place,
  port: number,
  settings: Record<string, string>,
  logFile: string,
): Promise<Server | Failure> {
  const logFrom = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  const flags = { ...settings, listen_addresses: HOST, port: String(port), unix_socket_directories: '' };
  const server = spawnServer(place, flags, logFile);
  const why = await waitUntilReady(server, port).catch((error: unknown) => String(error));
  if (why === null) return server;
  await server.stop();
  const tail = readFileSync(logFile).subarray(logFrom).toString('utf8').trimEnd().split('\n');
  return { why, tail: tail.slice(-LOG_TAIL_LINES).join('\n') };
}

function spawnServer(place: Place, flags: Record<string, string>, logFile: string): Server {
  const log = openSync(logFile, 'a', 0o600);
  const args = Object.entries(flags).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(place.binaries, 'bin', 'postgres'), ['-D', place.data, ...args], {
    ...(place.account === undefined ? {} : { uid: place.account.uid, gid: place.account.gid }),
    cwd: '/',
    env: plainEnvironment(),
    // A terminal's Ctrl-C goes to the whole group of npm start; Postgres has to go down last.
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const pid = child.pid ?? 0;
  let ended = false;
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }).finally(() => {
    ended = true;
    process.removeListener('exit', stopAtExit);
  });
  const stopAtExit = () => child.kill('SIGINT');
  process.on('exit', stopAtExit);
  // Who forgets to stop it can still end.
  child.unref();
  return {
    pid,
    exited,
    hasEnded: () => ended,
    stop: async () => {
      if (ended) return;
      child.ref();
      await stopServer(pid);
      await exited;
    },
  };
}

/** Gives null when it answers, else why it never will. Makes the database when it is missing. */
async function waitUntilReady(server: Server, port: number): Promise<string | null> {
  const until = Date.now() + READY_WITHIN_MS;
  const ended = server.exited.then((how) => `it ended with ${how}`);
  while (Date.now() < until) {
    const answer = await Promise.race([tryDatabase(port), ended]);
    // What answered may be another program that got the port first.
    if (server.hasEnded()) return ended;
    if (answer !== 'not yet') return answer;
    await sleep(READY_POLL_MS);
  }
  return `it did not answer within ${READY_WITHIN_MS / 1_000} s`;
}

async function tryDatabase(port: number): Promise<string | null> {
  const client = new pg.Client({
    ...{ host: HOST, port, user: USER, password: PASSWORD, database: 'postgres' },
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query("select 1 from pg_database where datname = 'errand'");
    if (rowCount === 0) await client.query('create database errand');
    return null;
  } catch (error) {
    // A server that starts or stops says 57P0x; what else it says (a password that is not ours, a full disk) stays true.
    const isFinal = error instanceof pg.DatabaseError && !error.code?.startsWith('57');
    return isFinal ? error.message : 'not yet';
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function keepLogSmall(logFile: string): Promise<void> {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_KEPT_BYTES) await rename(logFile, `${logFile}.old`);
}
