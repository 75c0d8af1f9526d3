import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Typed } from '../../support/checkout/newcomer.ts';
import { processesIn, removeScratch } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { CONFIG, type DevProject, definition, devProject, handler } from './dev_run.ts';

const database = await createDatabase();
let project: DevProject;
let dev: Typed;

beforeAll(async () => {
  project = await devProject();
  addTask('first.say');
  dev = await project.dev({ DATABASE_URL: database.url }, '--no-types');
});
afterAll(() => {
  dev?.kill();
  removeScratch(project.scratch);
});

function addTask(name: string, said = `'one'`): void {
  project.write(`tasks/${name}.task.ts`, definition(name));
  project.write(`tasks/${name}.handler.ts`, handler(name, said));
}

/** Adds a task to the running project. */
async function add(name: string, said?: string): Promise<void> {
  addTask(name, said);
  await saysEventually(name, said === undefined ? 'one' : undefined);
}

/** What a task says when it is executed now. */
async function said(name: string): Promise<string | undefined> {
  return (await project.submit(name)).task?.result?.said;
}

async function saysEventually(name: string, what: string | undefined): Promise<void> {
  await until(`${name} says ${what}`, async () => {
    const now = await said(name);
    return what === undefined ? now !== undefined : now === what;
  });
}

/** What it writes from now on. */
function watchOutput(): () => string {
  const before = dev.output().length;
  return () => dev.output().slice(before);
}

test('it says where everything is, and gives a task of the project to try', () => {
  expect(dev.output()).toContain(`API       http://localhost:${project.ports.SERVER_PORT}`);
  expect(dev.output()).toContain('Tasks of this project: first.say.');
  expect(dev.output()).toContain(
    `curl -s 'localhost:${project.ports.SERVER_PORT}/v1/tasks/first.say?wait=10' -H 'content-type: application/json' -d '{"payload":{}}'`,
  );
});

test('a saved handler is executed, and only the runner is replaced', async () => {
  await add('code.say');
  const output = watchOutput();
  project.write('tasks/code.say.handler.ts', handler('code.say', `'two'`));
  await saysEventually('code.say', 'two');
  await until('it says so', () => /applied in \d+ ms: tasks\/code\.say\.handler\.ts/.test(output()));
});

test('a new pair of files is a new task; when they are removed, it is unknown', async () => {
  await add('pair.say');
  project.remove('tasks/pair.say.task.ts');
  project.remove('tasks/pair.say.handler.ts');
  await until('it is unknown', async () => (await project.submit('pair.say')).status === 404);
});

test('a saved schedule applies; when its file is removed, it is gone', async () => {
  await add('clock.say');
  const schedule = (payload: string): string => `import { defineSchedule } from 'errand';
import { task } from './clock.say.task.ts';
export const often = defineSchedule({ id: 'clock.often', task, payload: ${payload}, everySeconds: 1 });`;
  const stored = async (): Promise<{ runs: number; payload: object } | undefined> => {
    const { rows } = await database.pool.query<{ runs: number; payload: object }>(
      `select s.settings -> 'payload' as payload,
              (select count(*)::integer from errand.tasks t where t.schedule_id = s.id) as runs
         from errand.schedules s
        where s.id = 'clock.often'`,
    );
    return rows[0];
  };
  project.write('tasks/clock.schedule.ts', schedule('{}'));
  await until('it has submitted two tasks', async () => ((await stored())?.runs ?? 0) >= 2);
  project.write('tasks/clock.schedule.ts', schedule(`{ file: '/dev/null' }`));
  await until('the change applies', async () => JSON.stringify((await stored())?.payload).includes('null"'));
  project.remove('tasks/clock.schedule.ts');
  await until('it is gone', async () => (await stored()) === undefined);
});

test('a file that a handler imports, wherever it is, and .env', async () => {
  project.write('lib/words.ts', `export const word = 'one';`);
  addTask('lib.say', `word + (process.env.MOOD ?? '')`);
  project.write(
    'tasks/lib.say.handler.ts',
    handler('lib.say', `word + (process.env.MOOD ?? '')`, `import { word } from '../lib/words.ts';`),
  );
  await saysEventually('lib.say', 'one');
  project.write('lib/words.ts', `export const word = 'two';`);
  await saysEventually('lib.say', 'two');
  project.write('.env', 'MOOD=!');
  await saysEventually('lib.say', 'two!');
  project.write('.env', '');
  await saysEventually('lib.say', 'two');
});

test('a running task ends in the old runner, while the new one executes the new code', async () => {
  const wait = `await new Promise((done) => { const look = () => existsSync(file) ? done(0) : setTimeout(look, 50); look(); })`;
  const waiting = (word: string): string => `import { existsSync } from 'node:fs';
import { defineHandler } from 'errand';
import { task } from './long.say.task.ts';
export default defineHandler(task, async ({ file }) => { if (file !== undefined) ${wait}; return { said: '${word}' }; });`;
  project.write('tasks/long.say.task.ts', definition('long.say'));
  project.write('tasks/long.say.handler.ts', waiting('old'));
  await saysEventually('long.say', 'old');
  const file = join(project.folder, 'go.txt');
  const { status, task } = await project.submit('long.say', { file }, 0);
  expect([status, task]).toEqual([201, expect.objectContaining({ name: 'long.say' })]);
  const id = task?.id ?? '';
  await until('it runs', async () => (await project.get(id))?.state === 'running');
  project.write('tasks/long.say.handler.ts', waiting('new'));
  await saysEventually('long.say', 'new');
  expect((await project.get(id))?.state).toBe('running');
  writeFileSync(file, '');
  await until('it ends', async () => (await project.get(id))?.state === 'succeeded');
  expect((await project.get(id))?.result?.said).toBe('old');
});

test('what is broken keeps the version before and is shown with its line; mended, it goes on', async () => {
  await add('broken.say');
  const output = watchOutput();
  project.write('tasks/broken.say.task.ts', `${definition('broken.say')}\nconst = 1;`);
  await until('it is shown', () => /✗ tasks\/broken\.say\.task\.ts cannot be loaded: /.test(output()));
  await until('what goes on is said', () => output().includes('The version before keeps running.'));
  expect(output()).toMatch(/at tasks\/broken\.say\.task\.ts:\d+:\d+/);
  expect(await said('broken.say')).toBe('one');
  // Another change does not hide it.
  project.write('tasks/broken.say.handler.ts', handler('broken.say', `'two'`));
  await until('it is shown again', () => output().match(/✗ tasks\/broken/g)?.length === 2);
  project.write('tasks/broken.say.task.ts', definition('broken.say'));
  await saysEventually('broken.say', 'two');
});

test('a key of the configuration that is wrong is named', async () => {
  const output = watchOutput();
  project.write('errand.config.ts', CONFIG.replace('tasks:', 'task:'));
  await until('it is named', () => /task: is unknown/.test(output()));
  project.write('errand.config.ts', CONFIG);
  await until('it is applied', () => /applied in \d+ ms: errand\.config\.ts/.test(output()));
});

test('no request is refused while API and runner are replaced, on kept connections or new ones', async () => {
  await add('busy.say');
  const statuses = new Map<string, number>();
  const count = (what: string): void => void statuses.set(what, (statuses.get(what) ?? 0) + 1);
  let isOver = false;
  const kept = (async () => {
    while (!isOver)
      count(await project.submit('busy.say', {}, 0).then(({ status }) => String(status), String));
  })();
  const fresh = (async () => {
    while (!isOver) count(await statusByNewConnection(Number(project.ports.SERVER_PORT)).catch(String));
  })();
  for (const word of ['two', 'three']) {
    const output = watchOutput();
    // The definition is loaded by both.
    project.write('tasks/busy.say.task.ts', `${definition('busy.say')}// ${word}\n`);
    project.write('tasks/busy.say.handler.ts', handler('busy.say', `'${word}'`));
    await until('it is applied', () => output().includes('✓ applied'));
    await saysEventually('busy.say', word);
  }
  isOver = true;
  await Promise.all([kept, fresh]);
  expect(Object.fromEntries(statuses)).toEqual({ 200: expect.any(Number), 201: expect.any(Number) });
});

test('a second one is refused, a runner that is killed comes back, type errors are shown, and neither Ctrl-C nor kill -9 leaves anything', async () => {
  await expect(project.dev({ DATABASE_URL: database.url })).rejects.toThrow('already running');
  const output = watchOutput();
  const [runner] = processesIn(project.folder).filter((line) => line.includes('generation.js runner'));
  process.kill(Number.parseInt(runner ?? '', 10), 'SIGKILL');
  await saysEventually('first.say', 'one');
  dev.pressCtrlC();
  expect(await dev.exited).toBe(0);
  expect(output()).toMatch(/Stopped\.\n$/);
  expect(processesIn(project.folder)).toEqual([]);

  // With an embedded Postgres.
  dev = await project.dev({ DATABASE_URL: '' });
  await until('the first report', () => dev.output().includes('types: no errors'));
  project.write('tasks/types.ts', 'export const wrong: number = "text";');
  await until('the error', () => /^types: tasks\/types\.ts\(1,14\): error TS2322: /m.test(dev.output()));
  await until('the sum', () => dev.output().includes('types: 1 error\n'));
  expect(processesIn(project.folder).some((line) => line.includes('postgres'))).toBe(true);
  const [killed] = processesIn(project.folder).filter((line) => line.includes('errand.js dev'));
  process.kill(Number.parseInt(killed ?? '', 10), 'SIGKILL');
  await until('nothing is left', () => processesIn(project.folder).length === 0);
});

/** Of a request on a connection that is used once. */
async function statusByNewConnection(port: number): Promise<string> {
  const sent = request({ port, host: '127.0.0.1', path: '/v1/handlers', agent: false });
  sent.end();
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  return String(response.statusCode);
}
