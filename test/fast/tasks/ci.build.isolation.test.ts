import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../support/until.ts';
import { build, declared, type Line, makeRepository, ownFolder, runningWith, written } from './ci-harness.ts';
import { failureOf } from './http-harness.ts';

const CAN_ISOLATE =
  spawnSync('/usr/bin/unshare', [
    '--user',
    '--map-current-user',
    '--pid',
    '--fork',
    '--mount-proc',
    '--kill-child',
    'true',
  ]).status === 0;
const NOT_ISOLATED = /^this machine cannot isolate builds: .* \(.+\)$/s;

const OFF = { mode: 'off' } as const;
const AUTO = { mode: 'auto' } as const;

/** A process of the same user as the runner, which has a secret in its environment from its beginning. */
function holdSecret(): { pid: number; secret: string } {
  const secret = randomUUID();
  const holder = spawn('sleep', ['1000'], {
    env: { PATH: process.env.PATH, SECRET: secret },
  });
  onTestFinished(() => void holder.kill());
  return { pid: holder.pid ?? 0, secret };
}

/** Builds a script that looks for a secret wherever /proc may have it. */
async function lookFor(
  { pid, secret }: { pid: number; secret: string },
  isolation: typeof OFF | typeof AUTO,
) {
  const repository = makeRepository();
  const look = `cat /proc/${pid}/environ /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c 'SECRET=${secret.slice(0, 8)}' || true`;
  // A script of root may take the new /proc away and see what was there before.
  const run = `${look}\n${isolation.mode === 'off' ? '' : 'umount /proc 2>/dev/null || true'}\n${look}`;
  const lines: Line[] = [];
  await build({ repository: repository.url, commit: repository.commit(declared(run)) }, { isolation }, lines);
  return { found: written(lines).map(Number), lines: lines.map(({ msg }) => msg) };
}

/** Builds a script that leaves a process in a session of its own, without an environment; gives what is left of it. */
async function leaveDetached(isolation: typeof OFF | typeof AUTO) {
  const repository = makeRepository();
  const go = join(ownFolder('errand-go-'), 'go');
  const seconds = `1000.${process.pid}${isolation.mode.length}`;
  const run = `setsid env -i sleep ${seconds} &\nuntil [ -e ${go} ]; do sleep 0.1; done`;
  const lines: Line[] = [];
  const payload = { repository: repository.url, commit: repository.commit(declared(run)) };
  const building = build(payload, { isolation }, lines);
  await until('the process has been left', () => runningWith(seconds).length === 1);
  onTestFinished(() => {
    for (const pid of runningWith(seconds)) process.kill(pid, 'SIGKILL');
  });
  writeFileSync(go, '');
  await building;
  return { seconds, lines: lines.map(({ msg }) => msg) };
}

describe.runIf(CAN_ISOLATE)('where the machine has namespaces', () => {
  test('a script finds no environment of the processes of its runner', async () => {
    const { found, lines } = await lookFor(holdSecret(), AUTO);
    expect(found).toEqual([0, 0]);
    expect(lines).not.toContainEqual(expect.stringMatching(NOT_ISOLATED));
  });

  test('a process that a script has detached from everything ends with its build', async () => {
    const { seconds } = await leaveDetached(AUTO);
    await until('the process is gone', () => runningWith(seconds).length === 0);
  });

  test('nothing that a repository declares is obeyed outside: no PATH, no LD_PRELOAD', async () => {
    const repository = makeRepository();
    const env = { PATH: '/nowhere', LD_PRELOAD: '/nowhere/evil.so' };
    const lines: Line[] = [];
    const commit = repository.commit(declared('echo "$PATH $LD_PRELOAD"', { env }));
    await build({ repository: repository.url, commit }, {}, lines);
    expect(written(lines)).toEqual(['/nowhere /nowhere/evil.so']);
    // The loader of the script's shell complains, and that of nothing outside.
    expect(written(lines, 'stderr').length).toBeLessThanOrEqual(1);
  });
});

describe('with isolation off', () => {
  test('a script can read what isolation hides', async () => {
    const { found } = await lookFor(holdSecret(), OFF);
    expect(Math.min(...found)).toBeGreaterThan(0);
  });

  test('a process that a script has detached from everything outlives it', async () => {
    const { seconds, lines } = await leaveDetached(OFF);
    expect(runningWith(seconds)).toHaveLength(1);
    expect(lines).not.toContainEqual(expect.stringMatching(NOT_ISOLATED));
  });
});

describe('where the machine has no namespaces', () => {
  const unshare = CAN_ISOLATE ? '/nowhere/unshare' : '/usr/bin/unshare';

  test('builds are run all the same, and their log says what they lack', async () => {
    const repository = makeRepository();
    const lines: Line[] = [];
    const payload = { repository: repository.url, commit: repository.commit(declared('echo done')) };
    await build(payload, { isolation: { mode: 'auto', unshare } }, lines);
    expect(written(lines)).toEqual(['done']);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 40, msg: expect.stringMatching(NOT_ISOLATED) }),
    );
  });

  test('and with CI_BUILD_ISOLATION=required they are not, but tried again', async () => {
    const repository = makeRepository();
    const payload = { repository: repository.url, commit: repository.commit(declared('echo done')) };
    const error = await failureOf(build(payload, { isolation: { mode: 'required', unshare } }));
    expect(error).toMatchObject({ name: 'IsolationError', code: 'BUILD_NOT_ISOLATED' });
    expect(String(error)).toContain('CI_BUILD_ISOLATION=required');
  });
});
