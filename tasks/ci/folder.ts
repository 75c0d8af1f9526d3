import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';

/** The folders of one build. */
export type BuildFolder = { path: string; source: string; home: string; temp: string };

/**
 * The variable that names the folder of a build to each of its processes. Left processes are found
 * by it.
 */
export const FOLDER_VARIABLE = 'ERRAND_BUILD_FOLDER';

/**
 * Several machines may share a folder for temporary files, and a pid is unique only on one machine.
 */
const HOST = hostname().replaceAll(/[^\w.]/g, '_');
const NAME = /^errand-build-([\w.]+)-(\d+)-[A-Za-z0-9]{6}$/;
/** The clock that dates files is coarse. */
const DATE_TOLERANCE_MS = 2_000;

/** Makes a new folder, whose name identifies the process that uses it. */
export async function makeFolder(): Promise<BuildFolder> {
  const path = await mkdtemp(join(tmpdir(), `errand-build-${HOST}-${process.pid}-`));
  const folder = { path, source: join(path, 'source'), home: join(path, 'home'), temp: join(path, 'tmp') };
  for (const part of [folder.source, folder.home, folder.temp]) await mkdir(part);
  return folder;
}

/**
 * Ends the remaining processes of a build and removes its folder. Never throws: what cannot be
 * removed is logged.
 */
export async function removeFolder(path: string, log: Logger): Promise<void> {
  await endProcessesOf(path);
  try {
    await removeAll(path);
  } catch (error) {
    log.warn({ err: error }, `could not remove the folder ${path}`);
  }
}

/** Removes the folders of builds whose runner was killed. */
export async function removeOrphanedFolders(log: Logger): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const path = join(tmpdir(), name);
    const [, host, pid] = NAME.exec(name) ?? [];
    if (host !== HOST || pid === undefined || !(await isOrphaned(path, Number(pid)))) continue;
    log.info(`removing ${path}: the runner that made it is gone`);
    await removeFolder(path, log);
  }
}

async function isOrphaned(path: string, pid: number): Promise<boolean> {
  if (pid !== process.pid) return !isAlive(pid);
  // In a container each runner has the same pid as the one before.
  const startedAt = Date.now() - process.uptime() * 1_000;
  const made = await lstat(path).catch(() => null);
  return made !== null && made.ctimeMs < startedAt - DATE_TOLERANCE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Kills the processes that have the folder of a build in their environment: those that left its
 * process group, and those that outlived their runner. Works only on Linux.
 */
async function endProcessesOf(path: string): Promise<void> {
  const mark = `\0${FOLDER_VARIABLE}=${path}\0`;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!`\0${environment}`.includes(mark)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}

async function removeAll(path: string): Promise<void> {
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  try {
    await remove();
  } catch {
    // A package cache may have read-only files and folders.
    await makeWritable(path);
    await remove();
  }
}

async function makeWritable(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(path, entry.name));
  }
}
