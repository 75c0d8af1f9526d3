import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { portsFor } from '../../support/checkout/checkout.ts';
import { blocksOf, documentText, section } from '../../support/checkout/documents.ts';
import { succeed, type Typed, type } from '../../support/checkout/newcomer.ts';
import { packed } from '../../support/checkout/packed.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { until } from '../../support/until.ts';
import { withoutAccidents } from './documented_answer.ts';

// All of README, and what guides add to its task and its workflow, in an empty folder with the packed package. A new task is two
// files (specification T1).

const [commands = '', curl = ''] = blocksOf('README.md', 'Quick start', 'sh', 2);
const [answer = ''] = blocksOf('README.md', 'Quick start', 'json', 1);
const [definition = '', handler = ''] = blocksOf('README.md', 'Your first task', 'ts', 2);
const [submitTask = ''] = blocksOf('README.md', 'Your first task', 'sh', 1);
const [handlerTest = ''] = blocksOf('docs/guides/tasks-and-handlers.md', 'Test a handler', 'ts', 1);
const testing = section(documentText('docs/guides/tasks-and-handlers.md'), 'Test a handler');
const [graph = '', steps = ''] = blocksOf('README.md', 'Your first workflow', 'ts', 2);
const [submitWorkflow = ''] = blocksOf('README.md', 'Your first workflow', 'sh', 1);
const [submitFailing = '', resolve = ''] = blocksOf('docs/guides/workflows.md', 'When a step fails', 'sh', 2);
const [shown = ''] = blocksOf('docs/guides/workflows.md', 'When a step fails', 'json', 1);

const NOBODY = { uid: 65_534, gid: 65_534 };
type Identity = { uid?: number; gid?: number };
const USERS: [string, Identity][] =
  process.getuid?.() === 0
    ? [
        ['root', {}],
        ['another user', NOBODY],
      ]
    : [['this user', {}]];

/** The files that a section of README names, in order: `tasks/text.…`. */
function filesNamedIn(heading: string): string[] {
  const named = section(documentText('README.md'), heading).matchAll(/`(tasks\/[\w.]+\.ts)`/g);
  return [...new Set([...named].map(([, file = '']) => file))];
}

/** An empty folder of a user, with the file of the package in it, and a Node that is new enough on the path. */
async function emptyFolder(identity: Identity) {
  const scratch = scratchFolder(0o755);
  onTestFinished(() => removeScratch(scratch, join(scratch, 'shop', '.errand')));
  const folder = join(scratch, 'shop');
  const bin = join(scratch, 'bin');
  for (const one of [folder, bin]) mkdirSync(one);
  copyFileSync(await packed(), join(folder, 'errand-0.2.0.tgz'));
  symlinkSync(process.execPath, join(bin, 'node'));
  if (identity.uid !== undefined) {
    for (const one of [scratch, folder]) chownSync(one, identity.uid, identity.gid ?? 0);
    // Other users may not enter the folder in which tests find theirs.
    copyFileSync(process.execPath, join(bin, 'node.copy'));
    execFileSync('mv', [join(bin, 'node.copy'), join(bin, 'node')]);
  }
  // Without what npm has set for this run: it looks for the settings of a machine beside its Node.
  const setting = async (name: string): Promise<string> =>
    (await succeed(`npm config get ${name}`, '/')).trim();
  const cafile = await setting('cafile');
  const path = process.env.PATH?.split(':').filter((one) => !one.includes('node_modules'));
  const environment: Record<string, string> = {
    ...(await portsFor()),
    PATH: [bin, ...(path ?? [])].join(':'),
    npm_config_registry: await setting('registry'),
    ...(cafile === 'null' ? {} : { npm_config_cafile: cafile }),
    // These ask servers besides the registry, which may not answer.
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
    ...(identity.uid === undefined ? {} : { HOME: scratch, npm_config_cache: join(scratch, '.npm') }),
  };
  return { folder, environment, identity };
}

type Place = Awaited<ReturnType<typeof emptyFolder>>;

function typeIn({ folder, environment, identity }: Place, command: string): Typed {
  const typed = type(command, folder, environment, identity);
  onTestFinished(async () => {
    typed.kill();
    await typed.exited;
  });
  return typed;
}

async function run(place: Place, lines: string): Promise<string> {
  const { SERVER_PORT: port } = place.environment;
  const there = lines.replaceAll('localhost:8080', `localhost:${port}`).replaceAll("'", `'\\''`);
  const typed = typeIn(place, `sh -ec '${there}'`);
  const how = await typed.exited;
  if (how !== 0) throw new Error(`${lines} ended with ${how}:\n${typed.output()}`);
  return typed.output();
}

async function json(place: Place, lines: string): Promise<Record<string, unknown>> {
  return JSON.parse(await run(place, lines));
}

/** Submits until the task is known and done: what is saved is applied while requests go on. */
async function submitWhenApplied(place: Place, command: string): Promise<unknown> {
  return until('what was saved is applied', async () => {
    const body = await json(place, command);
    return 'task' in body ? body : undefined;
  });
}

function save(place: Place, file: string, text: string): void {
  writeFileSync(join(place.folder, file), text);
}

async function addTask(place: Place): Promise<void> {
  const [definitionFile = '', handlerFile = ''] = filesNamedIn('Your first task');
  save(place, definitionFile, definition);
  save(place, handlerFile, handler);
  expect(await submitWhenApplied(place, submitTask)).toMatchObject({
    created: true,
    task: { name: 'text.reverse', state: 'succeeded', result: { reversed: 'reward' }, max_attempts: 5 },
  });
  const invalid = await json(place, submitTask.replace('"text":"drawer"', '"text":7'));
  expect(invalid).toMatchObject({ code: 'VALIDATION_FAILED' });
}

async function addWorkflow(place: Place): Promise<void> {
  const [graphFile = '', stepsFile = ''] = filesNamedIn('Your first workflow');
  save(place, graphFile, graph);
  save(place, stepsFile, steps);
  expect(await submitWhenApplied(place, submitWorkflow)).toMatchObject({
    task: { name: 'text.palindromes', state: 'succeeded', result: { palindromes: ['neveroddoreven'] } },
  });

  const [id = '', stepId = ''] = (await run(place, `${submitFailing}\necho $ID $STEP_ID`)).trim().split(' ');
  const record = await json(place, `curl -s localhost:8080/v1/tasks/${id}`);
  expect(record).toMatchObject(JSON.parse(shown));
  const step = await json(place, `curl -s localhost:8080/v1/tasks/${id}/workflow_steps/${stepId}`);
  expect(step).toMatchObject({ step: 'turn', attempt: 1, error: { error_code: 'VALIDATION_FAILED' } });
  const resolved = await json(place, `ID=${id}\nSTEP_ID=${stepId}\n${resolve}`);
  expect(resolved).toMatchObject({ step: 'turn', state: 'resolved' });
  expect(await json(place, `curl -s 'localhost:8080/v1/tasks/${id}?wait=10'`)).toMatchObject({
    state: 'succeeded',
    result: { palindromes: ['level'] },
  });
}

test.each(USERS)('README does what it says in an empty folder, as %s', async (_who, identity) => {
  const place = await emptyFolder(identity);
  const [install = '', init = '', dev = ''] = commands.trim().split('\n');
  await run(place, install);
  await run(place, init);
  const running = typeIn(place, dev);
  await until(`${dev} is up`, () => running.hasEnded() || /Press Ctrl-C to stop/.test(running.output()));
  expect(running.output()).toMatch(/Press Ctrl-C to stop/);
  expect(await json(place, curl)).toMatchObject(withoutAccidents(JSON.parse(answer)));
  await addTask(place);
  await addWorkflow(place);
  await run(place, 'npx errand check');
  const [, testFile = ''] = /runs this test,\s+`([^`]+)`/.exec(testing) ?? [];
  save(place, testFile, handlerTest);
  expect(await run(place, 'npm test')).toContain('a text comes back to front');
  running.pressCtrlC();
  expect([await running.exited, running.output()]).toEqual([0, expect.stringMatching(/^Stopped\.$/m)]);
});
