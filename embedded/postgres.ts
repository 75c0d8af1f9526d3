import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { embeddedUrl } from '../config/load.ts';
import { plainEnvironment } from './account.ts';
import { type Binaries, installedBinaries } from './binaries.ts';
import { ensureCluster, PASSWORD, USER } from './cluster.ts';
import { clearLeftover, stopServer } from './leftover.ts';
import { choosePlace, type Place } from './place.ts';
import { freePort, portProblem } from './ports.ts';

const HOST = '127.0.0.1';

/** A server that recovers from a crash answers late. One that cannot start ends, which is noticed at once. */
const READY_WITHIN_MS = 120_000;
const READY_POLL_MS = 25;
/** How long the processes of a killed server may take to notice it. No other server can start before. */
const SURVIVORS_WITHIN_MS = 15_000;
const SURVIVORS_POLL_MS = 200;
const LOG_KEPT_BYTES = 10_000_000;
const LOG_TAIL_LINES = 20;

/** fsync and full_page_writes stay on, because these are real data. */
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
  /**
   * A separate folder, which is created if it is missing. It contains the data in `postgres` and the server's
   * log in `postgres.log`.
   */
  readonly directory: string;
  /** The port on 127.0.0.1. 0 means any free one. */
  readonly port: number;
  /** Settings of postgresql.conf that override the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Variables that are added to the environment of the server's process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Another Postgres than the one of the package: tests run on older ones. */
  readonly binaries?: Binaries;
  /** Receives messages for a person. */
  readonly log: (line: string) => void;
};

/** A running Postgres that has answered a query. */
export type Postgres = {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves with the reason when the server's process has ended, whether requested or not. */
  readonly exited: Promise<string>;
  /** Fast shutdown. Resolves when the process has ended. */
  stop(): Promise<void>;
};

type Server = {
  readonly pid: number;
  readonly exited: Promise<string>;
  hasEnded(): boolean;
  stop(): Promise<void>;
};

/**
 * Starts Postgres on the data in `<directory>/postgres`, creates them the first time, and resolves when it
 * answers. Database, user and password are `errand`. It cleans up after an earlier run, so only one process
 * at a time may use a directory (`npm start` ensures this). Postgres ends with this process, unless this
 * process is killed. Throws, with nothing left running, if the port is in use, the data belong to another
 * version, or no account can run it. If the server does not start, the message contains the end of its log.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const settings = { ...DEFAULT_SETTINGS, ...options.settings };
  const place = await choosePlace(
    options.directory,
    options.binaries ?? (await installedBinaries()),
    options.log,
  );
  await clearLeftover(place.data, options.log);
  if (await ensureCluster(place, options.settings?.fsync !== 'off')) {
    options.log(`Created a new embedded Postgres ${place.version.split('-')[0]} in ${place.data}.`);
  }
  const logFile = join(options.directory, 'postgres.log');
  await keepLogSmall(logFile);
  const until = Date.now() + SURVIVORS_WITHIN_MS;
  for (;;) {
    const port = options.port === 0 ? await freePort(HOST) : options.port;
    const problem = await portProblem(HOST, port);
    if (problem !== null && options.port !== 0) throw portError(port, problem);
    const outcome = await launch(place, port, { settings, environment: options.environment }, logFile);
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
    `The embedded Postgres cannot listen on ${HOST}:${port}: the port is ${inUse ? 'in use by another program' : `refused (${problem})`}. ` +
      `${inUse ? 'Stop that program or set' : 'Set'} EMBEDDED_POSTGRES_PORT to a free port.`,
  );
}

type Given = {
  readonly settings: Record<string, string>;
  readonly environment: PostgresOptions['environment'];
};

type Failure = { readonly why: string; readonly tail: string };

async function launch(
  place: Place,
  port: number,
  { settings, environment }: Given,
  logFile: string,
): Promise<Server | Failure> {
  const logFrom = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  const flags = { ...settings, listen_addresses: HOST, port: String(port), unix_socket_directories: '' };
  const server = spawnServer(place, { settings: flags, environment }, logFile);
  const why = await waitUntilReady(server, port).catch((error: unknown) => String(error));
  if (why === null) return server;
  await server.stop();
  const tail = readFileSync(logFile).subarray(logFrom).toString('utf8').trimEnd().split('\n');
  return { why, tail: tail.slice(-LOG_TAIL_LINES).join('\n') };
}

function spawnServer(place: Place, { settings, environment }: Given, logFile: string): Server {
  const log = openSync(logFile, 'a', 0o600);
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(place.binaries, 'bin', 'postgres'), ['-D', place.data, ...args], {
    ...(place.account === undefined ? {} : { uid: place.account.uid, gid: place.account.gid }),
    cwd: '/',
    env: { ...plainEnvironment(), ...environment },
    // The terminal's Ctrl-C reaches the entire process group of npm start, but Postgres must stop last.
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
  // A process that does not stop it can still end.
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

/**
 * Gives null when the server answers, or the reason why it never will. Creates the database if it is missing.
 */
async function waitUntilReady(server: Server, port: number): Promise<string | null> {
  const until = Date.now() + READY_WITHIN_MS;
  const ended = server.exited.then((how) => `it ended with ${how}`);
  while (Date.now() < until) {
    const answer = await Promise.race([tryDatabase(port), ended]);
    // Another program that got the port first may have answered.
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
    // A server that is starting or stopping answers 57P0x. Other errors (a wrong password, a full disk) are
    // final.
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
