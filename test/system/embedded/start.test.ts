import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { copyCheckout, portsFor, type Run, startIn } from '../../support/checkout/checkout.ts';
import { isRoot, NOBODY, processesIn, removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';

const database = await createDatabase();

/** One copy for all cases; the folder above it says who may enter. */
const folder = scratchFolder(0o755);
const checkout = join(folder, 'checkout');
mkdirSync(checkout);
copyCheckout(checkout);
const ports = await portsFor();
const api = `http://127.0.0.1:${ports.SERVER_PORT}`;
afterAll(() => {
  chmodSync(folder, 0o755);
  removeScratch(folder, join(checkout, '.errand'));
});

function start(environment = ports, identity = {}): Run {
  const run = startIn(checkout, environment, identity);
  onTestFinished(async () => {
    if (run.process.exitCode === null && run.process.signalCode === null) run.process.kill('SIGTERM');
    await run.ended();
  });
  return run;
}

/** Sends the request of the curl line that a start has printed; gives the new task's id. */
async function tryPrinted(run: Run): Promise<string> {
  const line = run
    .output()
    .split('\n')
    .find((text) => text.startsWith('curl'));
  expect(line).toBe(
    `curl -s 'localhost:${ports.SERVER_PORT}/v1/tasks/example.echo?wait=10' -H 'content-type: application/json' -d '{"payload":{"message":"hello","count":2}}'`,
  );
  return submit('example.echo', { message: 'hello', count: 2 });
}

/** Submits a task; gives its id. */
async function submit(name: string, payload: Record<string, unknown>): Promise<string> {
  const answer = await fetch(`${api}/v1/tasks/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ payload }),
  });
  expect(answer.status).toBe(201);
  const { task } = (await answer.json()) as { task: { id: string } };
  return task.id;
}

/** That the API still knows a task which was submitted before. */
async function expectTask(id: string): Promise<void> {
  const answer = await fetch(`${api}/v1/tasks/${id}`);
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining(id)]);
}

/** The next case begins with an empty database: `example.echo` meets its own duplicates. */
function removeData(): void {
  removeScratch(join(checkout, '.errand'), join(checkout, '.errand'));
}

async function stopByCtrlC(run: Run): Promise<void> {
  const before = run.output().length;
  run.pressCtrlC();
  // npm passes on what the terminal has sent already: twice at once is one press.
  run.pressCtrlC();
  expect(await run.ended()).toBe(0);
  const said = run.output().slice(before);
  expect(said).toMatch(/Stopped\.\n$/);
  expect(said).not.toMatch(/at once by|unexpectedly|Stopping at once/);
  expectNothingLeft();
}

function expectNothingLeft(): void {
  const data = existsSync(join(checkout, '.errand', 'postgres'))
    ? realpathSync(join(checkout, '.errand', 'postgres'))
    : checkout;
  expect([...processesIn(checkout), ...processesIn(data)]).toEqual([]);
  expect(existsSync(join(checkout, '.errand', 'start.pid'))).toBe(false);
}

test('a busy SERVER_PORT is explained before anything is started', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => {
    other.listen(Number(ports.SERVER_PORT), '0.0.0.0', resolve);
  });
  onTestFinished(() => void other.close());
  const run = start();
  expect(await run.ended()).toBe(1);
  expect(run.output()).toBe(
    `Port ${ports.SERVER_PORT} is in use by another program. Stop it, or set SERVER_PORT.\n`,
  );
  expect(existsSync(join(checkout, '.errand', 'postgres'))).toBe(false);
  expectNothingLeft();
});

test('a configuration that is not accepted is explained', async () => {
  const run = start({ ...ports, LOG_LEVEL: 'loud' });
  expect(await run.ended()).toBe(1);
  expect(run.output()).toMatch(/^The configuration is not valid:\n {2}LOG_LEVEL=loud is not accepted/);
});

test('a configured database is used, and a second Ctrl-C ends a stop that waits for a task', async () => {
  const run = start({ ...ports, DATABASE_URL: database.url });
  await run.up();
  expect(run.output()).toContain(`Postgres  ${database.url.replace(':errand@', ':***@')}`);
  expect(existsSync(join(checkout, '.errand', 'postgres'))).toBe(false);
  const task = await submit('example.sleep', { ms: 25_000 });
  await until('the task runs', async () => {
    const answer = await fetch(`${api}/v1/tasks/${task}`);
    return ((await answer.json()) as { state: string }).state === 'running';
  });

  run.pressCtrlC();
  await until('the API has stopped', () => run.output().includes('api: stopped'));
  expect(run.process.exitCode).toBeNull();
  await until('it stops at once', () => {
    if (run.process.exitCode === null) run.pressCtrlC();
    return run.process.exitCode !== null;
  });
  expect(await run.ended()).toBe(1);
  expect(run.output()).toContain('Stopping at once.');
  expectNothingLeft();
});

test('comes up, answers, refuses a second start, brings back what crashes, ends by Ctrl-C and keeps its tasks', async () => {
  const first = start();
  await first.up();
  const task = await tryPrinted(first);

  const second = start();
  expect(await second.ended()).toBe(1);
  expect(second.output()).toMatch(
    `Errand is already running from this checkout (process ${first.process.pid})`,
  );

  const [runner] = processesIn(checkout).filter((line) => line.includes('bin/runner.js'));
  process.kill(Number.parseInt(runner ?? '', 10), 'SIGKILL');
  await until('the runner is back', () =>
    first.output().includes(`The runner is up again, on port ${ports.RUNNER_PORT}.`),
  );
  expect(first.output()).toContain('The runner ended unexpectedly (signal SIGKILL). It is restarted in 1 s.');
  await stopByCtrlC(first);

  const third = start();
  await third.up();
  await expectTask(task);
  third.process.kill('SIGKILL');
  await third.ended();

  const fourth = start();
  await fourth.up();
  expect(fourth.output()).toContain('The last npm start was killed');
  await expectTask(task);
  await stopByCtrlC(fourth);
});

test.runIf(isRoot)('root in a folder that only root may enter', async () => {
  removeData();
  chmodSync(folder, 0o700);
  onTestFinished(() => chmodSync(folder, 0o755));
  const run = start();
  await run.up();
  const task = await tryPrinted(run);
  const outside = dirname(readlinkSync(join(checkout, '.errand', 'postgres')));
  expect(outside).toMatch(/^\/var\/lib\/errand\//);
  expect(readdirSync(outside).sort()).toEqual([expect.stringMatching(/^binaries-18/), 'checkout', 'data']);
  await stopByCtrlC(run);
  const again = start();
  await again.up();
  await expectTask(task);
  await stopByCtrlC(again);
});

test.runIf(isRoot)('an ordinary user', async () => {
  removeData();
  chownSync(checkout, NOBODY.uid, NOBODY.gid);
  const run = start(ports, NOBODY);
  await run.up();
  await tryPrinted(run);
  expect(statSync(join(checkout, '.errand', 'postgres')).uid).toBe(NOBODY.uid);
  await stopByCtrlC(run);
});
