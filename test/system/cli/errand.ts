import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppOptions } from '../../../api/app.ts';
import { compileCache } from '../../../process/compile_cache.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions } from '../../../tasks/index.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { ROOT } from '../../support/checkout/documents.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { whenDone } from '../../support/when_done.ts';

const SCRIPT = join(ROOT, 'bin', 'errand.js');

/** How a command ended, and what it wrote. */
export type Ended = { code: number | NodeJS.Signals | null; stdout: string; stderr: string };

/** A command that runs. */
export type Started = {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  ended: Promise<Ended>;
};

type Given = { environment?: Record<string, string>; input?: string; folder?: string };

/** Also for the entry itself, which asks Node to keep the rest: this halves the CPU of a start. */
const COMPILED = compileCache();

/** Only what a shell of somebody who knows nothing of this checkout has. */
function environmentOf(more: Record<string, string> = {}): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, TZ: 'UTC', NODE_COMPILE_CACHE: COMPILED, ...more };
}

/** Starts the real command. Its standard input stays open unless `input` is given. Killed at the end of the test. */
export function start(args: readonly string[], { environment, input, folder = EMPTY }: Given = {}): Started {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    cwd: folder,
    env: environmentOf(environment),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  if (input !== undefined) child.stdin?.end(input);
  whenDone(() => child.kill('SIGKILL'));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: (code ?? signal) as Ended['code'],
    ...written,
  }));
  return { child, stdout: () => written.stdout, stderr: () => written.stderr, ended };
}

/** An empty working folder: a `.env` of this checkout must not matter. */
const EMPTY = mkdtempSync(join(tmpdir(), 'errand-cli-'));
process.once('exit', () => rmSync(EMPTY, { recursive: true, force: true }));

export type TestPool = TestDatabase & {
  api: TestApi;
  /** Runs the command against this API to its end. */
  errand(args: string | readonly string[], given?: Given): Promise<Ended>;
  /** The same with `--json`; gives the one JSON document that it wrote. */
  json<T = Record<string, unknown>>(args: string | readonly string[], given?: Given): Promise<T>;
};

/** A database with a real API for the tests of a file. Its runner is started by the file. */
export async function startPool(options: Partial<AppOptions> = {}): Promise<TestPool> {
  const database = await createDatabase();
  await registerDefinitions(database.pool, definitions);
  const api = await startApi(database.pool, options);
  const errand = (args: string | readonly string[], given: Given = {}): Promise<Ended> => {
    const environment = { ERRAND_URL: api.url, ...given.environment };
    const words = typeof args === 'string' ? args.split(' ') : args;
    return start(words, { input: '', ...given, environment }).ended;
  };
  return {
    ...database,
    api,
    errand,
    json: async <T>(args: string | readonly string[], given?: Given) => {
      const words = typeof args === 'string' ? args.split(' ') : args;
      const ended = await errand([...words, '--json'], given);
      if (ended.stdout === '') throw new Error(`No JSON, but ${ended.code}: ${ended.stderr}`);
      return JSON.parse(ended.stdout) as T;
    },
  };
}

/** The values of JSON lines. */
export function jsonLines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
