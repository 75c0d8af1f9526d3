import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { copyThisBuild, hasPackagesOf } from '../../../bench/definitions/builds.ts';
import { goalsOf, type Taken } from '../../../bench/definitions/goals.ts';
import { measureDefinitions } from '../../../bench/definitions/section.ts';
import { tryStart } from '../../../bench/definitions/start.ts';
import { ROOT } from '../../support/checkout/documents.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { benchServerOfTests } from './bench_server.ts';
import { watchedServer } from './watched_server.ts';

const temporary = scratchFolder(0o755);
const started = await benchServerOfTests('empty');
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test('this build is measured beside that of a commit, with the shipped and with generated definitions', async () => {
  const names: unknown[] = [];
  const { server, made, dropped } = watchedServer(started, async (pool) => {
    const { rows } = await pool.query('select name from errand.tasks');
    names.push(rows[0]?.name);
  });
  const told: string[] = [];
  const options = { counts: [2], rounds: 1, baseline: 'HEAD', temporary };
  const { goals = [], about } = await measureDefinitions(server, options, (line) => told.push(line));
  // Each API has accepted a task of its own before it was measured.
  expect(names).toEqual(['example.now', 'example.now', 'made_2.kind_2', 'made_2.kind_2']);
  expect([made().length, dropped, readdirSync(temporary)]).toEqual([4, made(), []]);
  const figures = ['document', 'CPU of a start', 'time to ready', 'peak memory', 'memory at ready'];
  expect(goals.map(({ what, peer }) => [what, peer?.name])).toEqual(
    ['shipped tasks', '2 definitions'].flatMap((label) =>
      figures.map((figure) => [`${figure}, ${label}`, 'HEAD']),
    ),
  );
  const rounds = goals.flatMap(({ ours, peer }) => [ours, peer?.rounds ?? []]);
  expect(rounds.filter(([figure = 0, ...more]) => !(figure > 0) || more.length > 0)).toEqual([]);
  expect(told.slice(4)).toEqual([
    'this build starts with shipped tasks, round 1 of 1',
    'HEAD starts with shipped tasks, round 1 of 1',
    'this build starts with 2 definitions, round 1 of 1',
    'HEAD starts with 2 definitions, round 1 of 1',
  ]);
  expect(about).not.toContain('not ready');
});

test('a clone without the commit says so, and what brings it', async () => {
  const commit = '0123456789abcdef0123456789abcdef01234567';
  const options = { counts: [2], rounds: 1, baseline: commit, temporary };
  await expect(measureDefinitions(started, options, () => {})).rejects.toThrow(
    `this clone has no commit ${commit}, which is compared with this build; in a shallow`,
  );
  expect(readdirSync(temporary)).toEqual([]);
});

test('an API that is not ready within the limit is ended, one that ends itself fails', async () => {
  const { name, url } = await started.freshDatabase();
  const task = { name: 'example.now', payload: {} };
  expect(await tryStart(ROOT, url, task, 1)).toBe(false);
  await expect(tryStart(ROOT, 'postgres://', task, 600_000)).rejects.toThrow('bin/api.js ended with 1');
  await started.dropDatabase(name);
});

test('the installed packages do for a build that runs with the same versions', async () => {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
  const folder = join(temporary, 'locked');
  const suffices = async (packages: Record<string, { version: string; dev?: boolean }>): Promise<boolean> => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
    return hasPackagesOf(folder);
  };
  expect(await suffices(lock.packages)).toBe(true);
  const { version } = lock.packages['node_modules/zod'];
  expect(await suffices({ 'node_modules/zod': { version } })).toBe(true);
  expect(await suffices({ 'node_modules/zod': { version: '4.0.0' } })).toBe(false);
  expect(await suffices({ 'node_modules/gone': { version: '1.0.0' } })).toBe(false);
  expect(await suffices({ 'node_modules/gone': { version: '1.0.0', dev: true } })).toBe(true);
  rmSync(folder, { recursive: true });
});

test('a copy of this build has what runs, and nothing of the tests', async () => {
  const { folder } = await copyThisBuild(join(temporary, 'copy'));
  const has = (path: string) => existsSync(join(folder, path));
  expect([has('api/main.ts'), has('node_modules/zod/package.json')]).toEqual([true, true]);
  expect([has('test'), has('bench'), has('.git')]).toEqual([false, false, false]);
  rmSync(folder, { recursive: true });
});

test('the goals are those of 13 and of 300 definitions, and growth is by a definition', () => {
  const goals = goalsOf(
    [
      { label: 'shipped tasks', ours: taken(0, 1), theirs: taken(0, 2) },
      { label: '300 definitions', ours: taken(300, 10), theirs: taken(300, 100) },
      { label: '1,000 definitions', ours: taken(1_000, 17), theirs: null },
    ],
    'before',
  );
  const asked = goals.filter(({ goal }) => goal !== null);
  expect(asked.map(({ what, ours, peer, goal }) => [what, ours, peer?.rounds, goal])).toEqual([
    ['document, shipped tasks', [1], [2], { atMost: 0.5 }],
    ['CPU of a start, shipped tasks', [1, 2], [2, 4], { atMost: 0.6 }],
    ['document, 300 definitions', [10], [100], { atMost: 0.2 }],
    ['CPU of a start, 300 definitions', [10, 20], [100, 200], { atMost: 0.3 }],
    ['peak memory, 300 definitions', [10, 20], [100, 200], { atMost: 0.6 }],
    ['memory at ready, 300 definitions', [10, 20], [100, 200], { atMost: 0.6 }],
  ]);
  expect(goals.slice(-3)).toEqual([
    ...[growth('the document', 'kB', [0.01]), growth('the CPU of a start', 'ms', [10, 20])],
    growth('the time to ready', 'ms', [10, 20]),
  ]);
  const both = goalsOf(
    [
      { label: 'few', ours: taken(100, 1), theirs: taken(100, 1) },
      { label: 'many', ours: taken(300, 2), theirs: taken(300, 5) },
    ],
    'before',
  );
  expect(both.at(-3)).toMatchObject({ ours: [0.005], peer: { name: 'before', rounds: [0.02] } });
});

/** So many kB, and in the first round so many seconds of CPU and of waiting, and MB; twice that in the second. */
function taken(count: number, figure: number): Taken {
  const starts = [figure, 2 * figure].map((each) => ({
    ...{ readyMs: 1_000 * each, cpuSeconds: each, residentMb: each, peakMb: each },
  }));
  return { count, documentBytes: 1_000 * figure, starts };
}

function growth(of: string, unit: string, ours: number[]) {
  return { what: `growth of ${of} by a definition`, unit, goal: null, ours, peer: null };
}
