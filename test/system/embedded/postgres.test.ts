import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '../../../embedded/postgres.ts';
import { isAlive } from '../../../embedded/processes.ts';
import { canEnter } from '../../../embedded/reachable.ts';
import { isRoot, NOBODY, processesIn, removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { until } from '../../support/until.ts';
import { query, startHosted } from './hosted.ts';

const CHECKOUT = join(import.meta.dirname, '..', '..', '..');
const settings = { fsync: 'off' };

/** One folder for the cases that follow each other: each is a start on what the one before left. */
const folder = scratchFolder(0o755);
const directory = join(folder, '.errand');
const data = join(directory, 'postgres');
afterAll(() => removeScratch(folder, directory));

const said: string[] = [];
const log = (line: string) => void said.push(line);

async function start(where = directory, extra: { port?: number; settings?: Record<string, string> } = {}) {
  said.length = 0;
  const postgres = await startPostgres({ directory: where, port: 0, log, settings, ...extra });
  onTestFinished(() => postgres.stop());
  return postgres;
}

async function expectAnswer(postgres: { url: string }): Promise<void> {
  expect(await query(postgres, 'select note from kept')).toEqual(['still here']);
}

test('makes its data, answers on loopback only, stops, and finds the data again', async () => {
  const postgres = await start();
  expect(postgres.url).toBe(`postgres://errand:errand@127.0.0.1:${postgres.port}/errand`);
  expect(said.join()).toMatch(/Created a new embedded Postgres 18/);
  await query(postgres, `create table kept as select 'still here'::text as note`);
  expect(
    await query(
      postgres,
      `select current_user, getdatabaseencoding(), current_setting('listen_addresses'),
         current_setting('unix_socket_directories'), current_setting('random_page_cost'),
         current_setting('max_connections'), current_setting('fsync'), lower('ÄÖ')`,
    ),
  ).toEqual(['errand', 'UTF8', '127.0.0.1', '', '1.1', '200', 'off', 'äö']);
  const wrong = { url: postgres.url.replace('errand:errand@', 'errand:wrong@') };
  await expect(query(wrong, 'select 1')).rejects.toThrow(/password authentication failed/);
  await postgres.stop();
  expect(await postgres.exited).toBe('exit code 0');
  expect(processesIn(data)).toEqual([]);

  await expectAnswer(await start());
  expect(said).toEqual([]);
  expect(readFileSync(join(directory, 'postgres.log'), 'utf8')).toContain('ready to accept connections');
});

test('an orphan, whose host was killed, is stopped and started again', async () => {
  const { hosted } = await startHosted(directory);
  const orphan = await hosted();
  orphan.host.kill('SIGKILL');
  await until('the host is gone', () => orphan.host.signalCode !== null);
  expect(isAlive(orphan.pid)).toBe(true);

  const postgres = await start();
  expect(said.join()).toContain(`is still running on ${data} (process ${orphan.pid})`);
  expect(isAlive(orphan.pid)).toBe(false);
  await expectAnswer(postgres);
});

test('a Postgres that was killed itself recovers', async () => {
  const killed = await start();
  process.kill(killed.pid, 'SIGKILL');
  expect(await killed.exited).toBe('signal SIGKILL');
  expect(existsSync(join(data, 'postmaster.pid'))).toBe(true);
  await killed.stop();

  await expectAnswer(await start());
  expect(said.join()).toContain('was not shut down properly last time');
});

test('a postmaster.pid whose process is another program by now is removed', async () => {
  const other = spawn('sleep', ['60']);
  onTestFinished(() => void other.kill());
  writeFileSync(
    join(data, 'postmaster.pid'),
    `${other.pid}\n${data}\n1700000000\n5432\n\n127.0.0.1\n\nready\n`,
  );
  if (isRoot) chownSync(join(data, 'postmaster.pid'), statSync(data).uid, statSync(data).gid);

  await expectAnswer(await start());
  expect(said.join()).toContain(`process ${other.pid} is another program`);
  expect(other.exitCode ?? other.signalCode).toBeNull();
});

test('it ends with a host that dies of an uncaught exception', async () => {
  const { hosted } = await startHosted(directory, { args: ['throw'] });
  const { pid } = await hosted();
  await until('Postgres is gone', () => !isAlive(pid));
  await expectAnswer(await start());
  expect(said).toEqual([]);
});

test('a port in use is named, with the variable to set, and nothing is left running', async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  onTestFinished(() => void server.close());
  await expect(start(directory, { port })).rejects.toThrow(
    new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use .* EMBEDDED_POSTGRES_PORT`),
  );
  expect(processesIn(data)).toEqual([]);
});

test('a server that does not start is told with the end of its log', async () => {
  await expect(start(directory, { settings: { shared_buffers: 'plenty' } })).rejects.toThrow(
    /did not start \(it ended with exit code 1\)[\s\S]*invalid value for parameter "shared_buffers": "plenty"/,
  );
  expect(processesIn(data)).toEqual([]);
});

test('data of another major version and data that are not Postgres are refused', async () => {
  const version = join(data, 'PG_VERSION');
  writeFileSync(version, '17\n');
  await expect(start()).rejects.toThrow(
    /created by Postgres 17, and Postgres 18 cannot read them.*pg_dumpall/,
  );
  writeFileSync(version, '18\n');
  await expectAnswer(await start());

  mkdirSync(join(folder, 'other', 'postgres'), { recursive: true });
  writeFileSync(join(folder, 'other', 'postgres', 'diary.txt'), 'dear diary');
  await expect(start(join(folder, 'other'))).rejects.toThrow(
    /contains no Postgres data\. Move the folder away/,
  );
});

test('an interrupted initdb is made again', async () => {
  const where = join(folder, 'interrupted');
  const { host } = await startHosted(where);
  const unfinished = () =>
    (existsSync(where) ? readdirSync(where) : []).filter((name) => name.includes('.new-'));
  const isHalfway = () => unfinished().some((name) => existsSync(join(where, name, 'cluster', 'PG_VERSION')));
  await until('initdb is half way', isHalfway);
  host.kill('SIGKILL');
  await until('the host is gone', () => host.signalCode !== null);
  expect(existsSync(join(where, 'postgres'))).toBe(false);

  expect(await query(await start(where), 'select 1')).toEqual([1]);
  expect(said.join()).toContain('Created a new embedded Postgres');
  expect(unfinished()).toEqual([]);
});

test.runIf(isRoot)(
  'root in a folder that only root may enter: the data are outside, behind a link',
  async () => {
    const closed = scratchFolder(0o700);
    const first = join(closed, 'first');
    const copied = join(closed, 'copied');
    const moved = join(closed, 'moved');
    onTestFinished(() => removeScratch(closed, moved, first));

    // Made while it could be reached, so that the data have to move.
    chmodSync(closed, 0o755);
    cpSync(directory, first, { recursive: true, verbatimSymlinks: true });
    let postgres = await start(first);
    expect(said).toEqual([]);
    await postgres.stop();
    expect(statSync(join(first, 'postgres')).uid).not.toBe(0);

    chmodSync(closed, 0o700);
    postgres = await start(first);
    expect(said.join()).toMatch(/Only root may enter .* Its data are in \/var\/lib\/errand\//);
    await expectAnswer(postgres);
    await postgres.stop();
    expect(readdirSync(first).sort()).toEqual(['postgres', 'postgres.log']);

    cpSync(first, copied, { recursive: true, verbatimSymlinks: true });
    await expect(start(copied)).rejects.toThrow(/Two checkouts cannot share data/);
    rmSync(copied, { recursive: true });

    renameSync(first, moved);
    await expectAnswer(await start(moved));
    expect(said).toEqual([]);
  },
);

const nobodyMayRead = isRoot && (await canEnter({ name: 'nobody', ...NOBODY }, CHECKOUT));

test.runIf(nobodyMayRead)('an ordinary user runs it as himself', async () => {
  const home = scratchFolder(0o755);
  chownSync(home, NOBODY.uid, NOBODY.gid);
  onTestFinished(() => removeScratch(home));
  const { host, hosted } = await startHosted(join(home, '.errand'), NOBODY);
  const { url, pid } = await hosted();
  onTestFinished(async () => {
    if (isAlive(pid)) process.kill(pid, 'SIGINT');
    await until('Postgres is gone', () => !isAlive(pid));
  });
  expect(await query({ url }, 'select 1')).toEqual([1]);
  expect(statSync(`/proc/${pid}`).uid).toBe(NOBODY.uid);
  expect(statSync(join(home, '.errand', 'postgres')).uid).toBe(NOBODY.uid);
  host.kill('SIGKILL');
});
