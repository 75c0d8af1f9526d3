import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cancel, confirm, intro, isCancel, text } from '@clack/prompts';
import { NAME_MAX_LENGTH, NAME_PATTERN } from '../core/task.ts';
import { type Plan, type PlannedFile, planFiles } from './plan.ts';
import { type Installer, lookAround } from './surroundings.ts';

const FIRST_TASK = 'greeting.send';

export type InitOptions = {
  /** The name of the first task; undefined: ask for it, or take FIRST_TASK. */
  task?: string | undefined;
  /** Ask nothing. */
  yes: boolean;
  /** Write nothing. */
  dryRun: boolean;
  /** Install the packages afterwards; undefined: ask, or do it. */
  install?: boolean | undefined;
};

/**
 * `errand init`: makes a project in the working folder, or adds Errand to one. Files that exist are kept. Gives the
 * exit code. Throws if package.json is not valid.
 */
export async function runInit(options: InitOptions): Promise<number> {
  const surroundings = lookAround(process.cwd());
  const asks =
    !options.yes && !options.dryRun && process.stdin.isTTY === true && process.stdout.isTTY === true;
  if (asks) intro('errand init');
  const task = options.task ?? (asks ? await askTask() : FIRST_TASK);
  if (task === undefined) return 130;
  const plan = planFiles(surroundings, task);
  for (const file of plan.files) if (!options.dryRun) write(surroundings.directory, file);
  report(plan, options.dryRun);
  if (options.dryRun) return 0;
  const { installer } = surroundings;
  const installs = options.install ?? (asks ? await askInstall(installer) : true);
  if (installs === undefined) return 130;
  const isInstalled = installs && install(installer);
  say(nextSteps(installer, isInstalled));
  return installs && !isInstalled ? 1 : 0;
}

const say = (line: string): void => console.log(line);

/** Why a name is refused; undefined if it is not. */
export function nameProblem(name: string): string | undefined {
  if (NAME_PATTERN.test(name) && name.length <= NAME_MAX_LENGTH) return undefined;
  return `${JSON.stringify(name)} is no name of a task. It must have a namespace and lower case letters, for example billing.send_invoice`;
}

async function askTask(): Promise<string | undefined> {
  const answer = await text({
    message: 'The name of your first task: a namespace, a dot, a verb',
    initialValue: FIRST_TASK,
    validate: (value) => nameProblem(value ?? ''),
  });
  if (!isCancel(answer)) return answer;
  cancel('Nothing was written.');
  return undefined;
}

async function askInstall(installer: Installer): Promise<boolean | undefined> {
  const answer = await confirm({ message: `Install the packages with ${installer} now?` });
  return isCancel(answer) ? undefined : answer;
}

function write(directory: string, { path, what, text: content }: PlannedFile): void {
  if (what === 'keep') return;
  const file = join(directory, path);
  mkdirSync(dirname(file), { recursive: true });
  // A file that appeared meanwhile is not overwritten either.
  writeFileSync(file, content, { flag: what === 'write' ? 'wx' : 'w' });
}

function report({ files, remarks }: Plan, isDryRun: boolean): void {
  const words = isDryRun
    ? { write: 'would write', change: 'would change', keep: 'would keep' }
    : { write: 'wrote', change: 'changed', keep: 'kept' };
  const width = Math.max(...Object.values(words).map(({ length }) => length));
  for (const { path, what, added } of files) {
    const more = what === 'keep' ? ' (it exists)' : added.length > 0 ? `: added ${added.join(', ')}` : '';
    say(`${words[what].padEnd(width)}  ${path}${more}`);
  }
  for (const remark of remarks) say(`\n${remark}`);
}

function install(installer: Installer): boolean {
  say(`\n${installer} install`);
  const args = installer === 'npm' ? ['install', '--no-audit', '--no-fund', '--prefer-offline'] : ['install'];
  const { status, error } = spawnSync(installer, args, { stdio: 'inherit' });
  if (error !== undefined) console.error(`${installer} does not start: ${error.message}`);
  else if (status !== 0) console.error(`${installer} install ended with ${status}.`);
  return status === 0;
}

function nextSteps(installer: Installer, isInstalled: boolean): string {
  const steps = [
    ...(isInstalled ? [] : [[`${installer} install`, 'installs the packages']]),
    [installer === 'npm' ? 'npm run dev' : `${installer} dev`, 'runs everything, and applies what you save'],
    [`${installer} test`, 'tests the first task'],
  ];
  return ['', 'Next:', ...steps.map(([command = '', why]) => `  ${command.padEnd(14)} ${why}`), ''].join(
    '\n',
  );
}
