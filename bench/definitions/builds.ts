import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const MODULES = 'node_modules';

/** Folders that no API process needs. */
const WITHOUT = [':!test', ':!docs', ':!bench'];
/** For a list of file names, or for an archive. */
const MAX_OUTPUT_BYTES = 256 * 1_024 * 1_024;

/** The files of a version of Errand in a folder, ready to run. */
export type Build = { name: string; folder: string };

/** The working tree itself, for parts that add nothing to its files. */
export const WORKING_TREE: Build = { name: 'this build', folder: ROOT };

/** A commit that is measured beside this build. */
export type Earlier = {
  baseline: string;
  /** A folder for its files, which are removed at the end. */
  temporary: string;
};

/** Unpacks such a commit. Its files are removed with `opened`. Throws if the clone lacks it. */
export async function openEarlier(
  opened: AsyncDisposableStack,
  { baseline, temporary }: Earlier,
): Promise<Build> {
  const folder = await mkdtemp(join(temporary, 'errand-bench-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  return unpackBuild(baseline, join(folder, 'theirs'));
}

/** Copies the working tree, with uncommitted changes, into `folder`. Throws outside of a clone. */
export async function copyThisBuild(folder: string): Promise<Build> {
  const listed = await git(
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    '.',
    ...WITHOUT,
  );
  for (const file of listed.split('\0').filter((name) => name !== '')) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(ROOT, file), join(folder, file)).catch(ignoreDeleted);
  }
  await symlink(join(ROOT, MODULES), join(folder, MODULES));
  return { name: 'this build', folder };
}

/**
 * Unpacks a commit into `folder`. If this build has all packages of that commit in the same
 * versions, it uses them; otherwise it installs its own. If the clone lacks the commit, it throws
 * and says what to do.
 */
export async function unpackBuild(commit: string, folder: string): Promise<Build> {
  await git('cat-file', '-e', `${commit}^{commit}`).catch((cause: unknown) => {
    throw new Error(
      `this clone has no commit ${commit}, which is compared with this build; in a shallow clone, ` +
        'run "git fetch --unshallow"',
      { cause },
    );
  });
  await mkdir(folder, { recursive: true });
  const archive = `${folder}.tar`;
  await git('archive', '--format=tar', `--output=${archive}`, commit, '--', '.', ...WITHOUT);
  await run('tar', ['-xf', archive, '-C', folder]);
  if (await hasPackagesOf(folder)) await symlink(join(ROOT, MODULES), join(folder, MODULES));
  else await install(folder);
  return { name: commit, folder };
}

/** Copies a build with its packages, so that the copy can have other definitions. */
export async function copyBuild({ name, folder }: Build, to: string): Promise<Build> {
  await cp(folder, to, { recursive: true, filter: (path) => path !== join(folder, MODULES) });
  await symlink(join(folder, MODULES), join(to, MODULES));
  return { name, folder: to };
}

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional(), dev: z.boolean().optional() })),
});

/**
 * Whether this build has locked every package that the other one runs with, each in the same
 * version.
 */
export async function hasPackagesOf(folder: string): Promise<boolean> {
  const [ours, theirs] = await Promise.all([ROOT, folder].map(readLock));
  return Object.entries(theirs ?? {})
    .filter(([path, { dev }]) => path.startsWith(MODULES) && dev !== true)
    .every(([path, { version }]) => ours?.[path]?.version === version);
}

async function readLock(folder: string): Promise<z.output<typeof lockSchema>['packages']> {
  const text = await readFile(join(folder, 'package-lock.json'), 'utf8');
  return lockSchema.parse(JSON.parse(text)).packages;
}

/**
 * See .ci/run for why this is not `npm ci`. Without scripts: the packages of an API process need
 * none.
 */
async function install(folder: string): Promise<void> {
  const options = ['--omit=dev', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...options], { cwd: folder, maxBuffer: MAX_OUTPUT_BYTES });
}

async function git(...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: ROOT, maxBuffer: MAX_OUTPUT_BYTES });
  return stdout;
}

/** Ignores a deleted file that git still lists. */
function ignoreDeleted(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
