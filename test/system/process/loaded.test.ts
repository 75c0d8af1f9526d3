import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';

const { url } = await createDatabase();
// The tests' own cache would hide a process that keeps none.
vi.stubEnv('NODE_COMPILE_CACHE', undefined);
const folder = scratchFolder(0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const PRELOADED = pathToFileURL(join(import.meta.dirname, 'fixtures', 'loaded.mjs')).href;

const loadedSchema = z.object({
  packages: z.array(z.string()),
  builtins: z.array(z.string()),
  youngBytes: z.number(),
});
type Loaded = z.output<typeof loadedSchema>;

/** Node's compiler of TypeScript, and its `fetch` with WebSocket. Each takes megabytes, and stays. */
const HEAVY_BUILTINS = ['internal/deps/amaro/dist/index', 'internal/deps/undici/undici'];
const MB = 1_024 * 1_024;

// Node keeps no compiled code while it counts what runs, and Vitest turns that off for processes, too.
vi.stubEnv('NODE_V8_COVERAGE', undefined);
vi.stubEnv('NODE_DISABLE_COMPILE_CACHE', undefined);

/**
 * Starts a process as `npm run` does, lets it end without any work, and gives what each of its threads has
 * loaded.
 */
async function loadedBy(script: string): Promise<(thread: 'main' | 'thread') => Loaded> {
  const environment = {
    NODE_OPTIONS: `--import ${PRELOADED}`,
    LOADED_FOLDER: folder,
  };
  // The first start fills the cache of compiled code.
  for (const _start of ['first', 'second']) {
    const { child, exited } = await startProcess(script, url, environment);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
  }
  return (thread) => loadedSchema.parse(JSON.parse(readFileSync(join(folder, `${thread}.json`), 'utf8')));
}

/** Those of the packages and heavy modules of Node that were loaded. */
function heavyIn({ packages, builtins }: Loaded, heavy: readonly string[]): string[] {
  return [...heavy, ...HEAVY_BUILTINS].filter((name) => packages.includes(name) || builtins.includes(name));
}

test('an idle API has loaded no more than it needs', async () => {
  const main = (await loadedBy('bin/api.js'))('main');
  // With graphile-config comes the code of graphile-worker, which only a migration needs.
  const heavy = ['graphile-config', 'yaml', 'pino-pretty', 'chokidar'];
  expect(main.packages).toContain('express');
  expect(heavyIn(main, heavy)).toEqual([]);
});

test('an idle runner has loaded no more than it needs, and so has the thread of its lease', async () => {
  const loaded = await loadedBy('bin/runner.js');
  const main = loaded('main');
  const heavy = ['jose', 'ajv', 'ws', 'undici', 'yaml', 'pino-pretty', 'chokidar'];
  expect(main.packages).toContain('graphile-worker');
  expect(heavyIn(main, [...heavy, 'express-openapi-validator'])).toEqual([]);
  // V8 would otherwise take 32 MB for the objects of the start, and keep them: see main.ts and trimHeap.
  expect(main.youngBytes).toBeLessThan(16 * MB);

  const lease = loaded('thread');
  expect(lease.packages).toContain('pg');
  expect(heavyIn(lease, ['zod', 'express', 'graphile-worker', 'pino', 'prom-client', ...heavy])).toEqual([]);
  expect(lease.youngBytes).toBeLessThan(8 * MB);
});
