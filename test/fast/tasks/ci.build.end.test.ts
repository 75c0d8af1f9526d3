import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { until } from '../../support/until.ts';
import {
  build,
  buildFolders,
  declared,
  fakeGit,
  isRunning,
  type Line,
  makeRepository,
  ownFolder,
  pidsHere,
  runningWith,
  written,
} from './ci-harness.ts';
import { failureOf } from './http-harness.ts';

// Builds of other tests would take away what these leave behind for the next build.
const temporary = mkdtempSync(join(tmpdir(), 'errand-ends-'));
process.env.TMPDIR = temporary;
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** Starts a grandchild that is deaf to SIGTERM, is deaf itself, tells both pids, and never ends. */
const DEAF = `trap '' TERM
(trap '' TERM; while :; do sleep 0.1; done) &
echo "pids $$ $!"
while :; do sleep 0.1; done`;

async function pidsOf(lines: Line[]): Promise<number[]> {
  const told = await until('the script has told its pids', () =>
    written(lines).find((line) => line.startsWith('pids ')),
  );
  return pidsHere(told.split(' ').slice(1).map(Number));
}

function expectGone(pids: number[]): Promise<true> {
  expect(pids.length).toBeGreaterThan(0);
  return until(`${pids} are gone`, () => pids.every((pid) => !isRunning(pid)), 5_000);
}

test('an abort ends the script and all that it has started, deaf or not, and the folder goes', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared(DEAF));
  const controller = new AbortController();
  const lines: Line[] = [];
  const building = failureOf(
    build({ repository: repository.url, commit }, { signal: controller.signal }, lines),
  );
  const pids = await pidsOf(lines);
  expect(pids).toHaveLength(2);
  expect(pids.every(isRunning)).toBe(true);
  const reason = new Error('cancelled');
  controller.abort(reason);
  expect(await building).toBe(reason);
  await expectGone(pids);
  expect(buildFolders()).toEqual([]);
});

test('who heeds SIGTERM may clear up first', async () => {
  const repository = makeRepository();
  const commit = repository.commit(
    declared(`trap 'echo cleared; exit 0' TERM; echo "pids $$"; while :; do sleep 0.1; done`),
  );
  const controller = new AbortController();
  const lines: Line[] = [];
  const options = { signal: controller.signal, abortGraceMs: 60_000 };
  const building = failureOf(build({ repository: repository.url, commit }, options, lines));
  const pids = await pidsOf(lines);
  controller.abort(new Error('shutdown'));
  await expectGone(pids);
  expect(String(await building)).toBe('Error: shutdown');
  expect(written(lines)).toContain('cleared');
});

test('an abort while git fetches ends git', async () => {
  const told = join(ownFolder('errand-told-'), 'pid');
  vi.stubEnv('PATH', fakeGit(`case "$*" in *fetch*) echo $$ > ${told}; exec sleep 1000;; esac`));
  onTestFinished(() => void vi.unstubAllEnvs());
  const controller = new AbortController();
  const payload = { repository: 'file:///tmp/a', commit: 'a'.repeat(40) };
  const building = failureOf(build(payload, { signal: controller.signal }));
  await until('git fetches', () => existsSync(told));
  controller.abort(new Error('cancelled'));
  expect(String(await building)).toBe('Error: cancelled');
  expect(buildFolders()).toEqual([]);
});

test('a script that takes longer than its timeout_secs fails for good, and nothing is left of it', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared(DEAF, { timeout_secs: 2 }));
  const lines: Line[] = [];
  const building = failureOf(build({ repository: repository.url, commit }, {}, lines));
  const pids = await pidsOf(lines);
  const error = await building;
  expect(error).toMatchObject({
    name: 'PermanentError',
    code: 'BUILD_TIMED_OUT',
    message: 'The script took longer than its timeout_secs (2)',
    metadata: { exit_code: 137, lines: 1 },
  });
  await expectGone(pids);
  expect(buildFolders()).toEqual([]);
});

test.each(['auto', 'off'] as const)(
  'what a script leaves running ends with it, also what has left its group (isolation: %s)',
  async (mode) => {
    const repository = makeRepository();
    const go = join(ownFolder('errand-go-'), 'go');
    const seconds = `1000.${process.pid}`;
    const commit = repository.commit(
      declared(
        `sleep ${seconds} &\nsetsid sleep ${seconds} &\nuntil [ -e ${go} ]; do sleep 0.1; done; echo done`,
      ),
    );
    const building = build({ repository: repository.url, commit }, { isolation: { mode } });
    const pids = await until('both run', () => {
      const running = runningWith(seconds);
      return running.length === 2 && running;
    });
    writeFileSync(go, '');
    expect(await building).toMatchObject({ exit_code: 0, lines: 1 });
    await expectGone(pids);
  },
);

test('output without end is kept up to a limit, counted beyond it, and said so once', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared('seq 50000'));
  const lines: Line[] = [];
  const result = await build({ repository: repository.url, commit }, {}, lines);
  expect(result).toMatchObject({ exit_code: 0, lines: 50_000, truncated: true });
  const expected = Array.from({ length: 9_000 }, (_, index) => String(index + 1));
  const told = written(lines);
  expect(told.slice(0, 9_000)).toEqual(expected);
  expect(told.slice(9_000)).toEqual([expect.stringMatching(/counted but not kept/)]);
});

test('a line without end takes no memory, and output that never ends neither', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared('exec yes | tr -d "\\n"', { timeout_secs: 2 }));
  const before = process.memoryUsage().rss;
  const lines: Line[] = [];
  const error = await failureOf(build({ repository: repository.url, commit }, {}, lines));
  expect(error).toMatchObject({ code: 'BUILD_TIMED_OUT', metadata: { lines: 1, truncated: false } });
  expect(written(lines)).toEqual([`${'y'.repeat(2_000)}…`]);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
});

test('lines come no faster than they can be stored', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared('seq 1500'));
  const begun = performance.now();
  const result = await build({ repository: repository.url, commit });
  // 500 at once, and 800 a second.
  expect(performance.now() - begun).toBeGreaterThan(1_200);
  expect(result).toMatchObject({ lines: 1_500, truncated: false });
});

test('folders that a killed runner has left are removed by the next build, with what still runs in them', async () => {
  const host = hostname().replaceAll(/[^\w.]/g, '_');
  const gone = spawn('true');
  await once(gone, 'exit');
  const left = mkdtempSync(join(tmpdir(), `errand-build-${host}-${gone.pid}-`));
  const livesOn = mkdtempSync(join(tmpdir(), `errand-build-${host}-${process.ppid}-`));
  const elsewhere = mkdtempSync(join(tmpdir(), `errand-build-another-${gone.pid}-`));
  const other = ownFolder('errand-other-');
  onTestFinished(() => {
    for (const path of [left, livesOn, elsewhere]) rmSync(path, { recursive: true, force: true });
  });
  mkdirSync(join(left, 'source', 'deep'), { recursive: true });
  writeFileSync(join(other, 'file'), '');
  symlinkSync(other, join(left, 'source', 'link'));
  const orphan = spawn('sleep', ['1000'], {
    env: { PATH: process.env.PATH, ERRAND_BUILD_FOLDER: left },
    detached: true,
  });
  const repository = makeRepository();
  const lines: Line[] = [];
  await build({ repository: repository.url, commit: repository.commit(declared('true')) }, {}, lines);
  expect([left, livesOn, elsewhere, join(other, 'file')].map((path) => existsSync(path))).toEqual([
    false,
    true,
    true,
    true,
  ]);
  await expectGone([orphan.pid ?? 0]);
  expect(lines.map(({ msg }) => msg)).toContain(`removing ${left}: the runner that made it is gone`);
});

test('a folder of this very process stays, unless it is older: in a container every runner has the same pid', async () => {
  const host = hostname().replaceAll(/[^\w.]/g, '_');
  const own = mkdtempSync(join(tmpdir(), `errand-build-${host}-${process.pid}-`));
  onTestFinished(() => rmSync(own, { recursive: true, force: true }));
  const repository = makeRepository();
  const payload = { repository: repository.url, commit: repository.commit(declared('true')) };
  await build(payload);
  expect(existsSync(own)).toBe(true);
  // As if the process had begun in a minute.
  vi.spyOn(process, 'uptime').mockReturnValue(-60);
  await build(payload);
  expect(existsSync(own)).toBe(false);
});
