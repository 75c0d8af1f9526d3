import { execFile } from 'node:child_process';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePort } from '../../embedded/ports.ts';
import { cpuSeconds } from '../cpu.ts';
import { entryOf, type Measured, startProcess } from '../process.ts';

const KB_PER_MB = 1_024;

/** The cost of an API process until it is ready. */
export type Start = { readyMs: number; cpuSeconds: number; residentMb: number; peakMb: number };

const listening = z.object({ listening: z.number() });

/**
 * Starts the API of a build as `npm run api` does, reads its cost when it reports that it is ready, and stops
 * it.
 */
export async function measureStart(folder: string, url: string): Promise<Start> {
  const startedAt = performance.now();
  const { process } = await startApi(folder, url);
  const readyMs = performance.now() - startedAt;
  try {
    return { readyMs, cpuSeconds: await cpuSeconds([process.pid]), ...(await readMemory(process.pid)) };
  } finally {
    await process.stop();
  }
}

/**
 * Starts the API of a build once before it is measured: it migrates the database and must accept a
 * task. Gives whether it was ready within the limit; if not, it is ended. Throws if the process
 * ends or refuses the task.
 */
export async function tryStart(
  folder: string,
  url: string,
  task: { name: string; payload: unknown },
  limitMs: number,
): Promise<boolean> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), limitMs);
  const started = await startApi(folder, url, late.signal)
    .catch((error: unknown) => {
      if (late.signal.aborted) return null;
      throw error;
    })
    .finally(() => clearTimeout(timer));
  if (started === null) return false;
  try {
    await submit(`http://127.0.0.1:${started.port}`, task);
  } finally {
    await started.process.stop();
  }
  return true;
}

/** Lets a build write openapi.yaml for its definitions, and gives its size in bytes. */
export async function writeDocument(folder: string): Promise<number> {
  const file = join(folder, 'openapi.yaml');
  await rm(file, { force: true });
  await promisify(execFile)(process.execPath, [join(folder, 'api/openapi/write.ts')], { cwd: folder });
  return (await stat(file)).size;
}

async function startApi(
  folder: string,
  url: string,
  signal?: AbortSignal,
): Promise<{ process: Measured; port: number }> {
  const port = String(await freePort('127.0.0.1'));
  const environment = {
    ...{ DATABASE_URL: url, SERVER_HOST: '127.0.0.1', SERVER_PORT: port },
    // In production the example tasks do not exist; in tests each answer is checked.
    NODE_ENV: 'development',
  };
  const { process, first } = await startProcess(entryOf('api', folder), environment, { folder, signal });
  return { process, port: listening.parse(first).listening };
}

async function submit(base: string, { name, payload }: { name: string; payload: unknown }): Promise<void> {
  const answer = await fetch(`${base}/v1/tasks/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ payload }),
  });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`POST of ${name} answered ${answer.status}: ${text}`);
}

/** See proc_pid_status(5). */
async function readMemory(pid: number): Promise<{ residentMb: number; peakMb: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN) / KB_PER_MB;
  return { residentMb: read('VmRSS'), peakMb: read('VmHWM') };
}
