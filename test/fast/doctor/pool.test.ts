import { describe, expect, test } from 'vitest';
import { judgeNames, judgeRunners } from '../../../doctor/pool.ts';
import { judgeQueue } from '../../../doctor/queue.ts';
import type { OpenTasks, RunnerFacts } from '../../../store/doctor/pool_facts.ts';
import type { QueueFacts } from '../../../store/doctor/queue_facts.ts';

const RUNNER: RunnerFacts = {
  id: 1,
  host: 'a',
  pid: 10,
  version: '1.0.0',
  startedAt: '2027-01-01T00:00:00.000Z',
  silentSecs: 2,
  leaseSecs: 15,
  concurrency: 10,
  inFlight: 3,
  taskVersions: { 'a.b': '1.0.0' },
  blockedSecs: null,
  blockedBy: null,
  isForOneTask: false,
};
const judge = (runners: RunnerFacts[], version = '1.0.0') =>
  judgeRunners({ runners, lostLately: [], connected: [] }, version).filter(
    ({ code }) => code !== 'api_processes',
  );
const seen = (findings: { code: string; severity: string }[]): string[] =>
  findings.map(({ code, severity }) => `${code} ${severity}`);

describe('runners', () => {
  test.each([
    ['none', [], ['no_live_runner error']],
    ['one', [RUNNER], ['runners ok', 'old_process ok']],
    [
      'one that is silent',
      [{ ...RUNNER, silentSecs: 16 }],
      ['no_live_runner error', 'runner_overdue warning'],
    ],
    ['one for a single task alone', [{ ...RUNNER, isForOneTask: true }], ['no_live_runner error']],
    [
      'one whose loop stands still',
      [{ ...RUNNER, blockedSecs: 6 }],
      ['runners ok', 'runner_blocked warning', 'old_process ok'],
    ],
    ['one whose loop was busy', [{ ...RUNNER, blockedSecs: 1 }], ['runners ok', 'old_process ok']],
    [
      'two with other definitions',
      [RUNNER, { ...RUNNER, id: 2, taskVersions: { 'a.b': '2.0.0' } }],
      ['runners ok', 'old_process ok', 'definitions_differ warning'],
    ],
  ])('%s', (_what, runners, expected) => {
    expect(seen(judge(runners))).toEqual(expected);
  });

  test('the processes of the version before are named until they are gone', () => {
    const old = { ...RUNNER, id: 7, version: '0.9.0' };
    const [, before] = judge([RUNNER, old]);
    expect(before).toMatchObject({ code: 'old_process', severity: 'warning', subject: '7' });
    expect(before?.message).toContain(
      'runner 7 (pid 10 on a, 0.9.0) is of an older version of Errand than this one (1.0.0), and has been live since 2027-01-01',
    );
    // Dead ones do not count.
    const [, after] = judge([RUNNER, { ...old, silentSecs: 60 }]).filter(
      ({ code }) => code !== 'runner_overdue',
    );
    expect(after).toMatchObject({ code: 'old_process', severity: 'ok' });
    expect(judge([RUNNER], '0.9.0')[1]?.message).toContain('of a newer version');
  });

  test('the silence of the last runner is not said to be mended by another one', () => {
    const overdue = judge([{ ...RUNNER, silentSecs: 60 }])[1];
    expect(overdue).toMatchObject({ code: 'runner_overdue', remedy: 'Start a runner' });
  });
});

const OPEN: OpenTasks = {
  name: 'a.b',
  version: '1.0.0',
  isDue: true,
  tasks: 3,
  isCapped: false,
  dueSecs: 10,
  pauses: [],
  having: 1,
  able: 1,
};

test.each([
  [{}, 1, []],
  [{ having: 0, able: 0 }, 1, ['name_without_runner error']],
  [{ having: 0, able: 0, isDue: false, dueSecs: -60 }, 1, ['name_without_runner warning']],
  [{ having: 2, able: 0 }, 1, ['version_without_runner error']],
  [{ having: 0, able: 0, pauses: ['a'] }, 1, []],
  // Without any runner, that is said once.
  [{ having: 0, able: 0 }, 0, []],
])('open tasks %j with %d live runners', (change, live, expected) => {
  expect(seen(judgeNames([{ ...OPEN, ...change }], live))).toEqual(expected);
});

const QUEUE: QueueFacts = {
  orphaned: { dispatches: 0, oldestSecs: null },
  lost: { tasks: 0, oldestSecs: null },
  quarantined: [],
  pauses: [],
  retention: [],
  rounds: [{ round: 'retention', seconds: 20 }],
  rollupSecs: 20,
  disabledCallbacks: 0,
};

test.each([
  [{}, [], 1, ['queue ok']],
  [{ orphaned: { dispatches: 2, oldestSecs: 300 } }, [], 1, ['dispatch_orphaned warning']],
  [{ lost: { tasks: 2, oldestSecs: 300 } }, [], 1, ['dispatch_lost warning']],
  [{ pauses: [{ target: 'a', actor: 'x', reason: null, seconds: 9 }] }, [], 1, ['paused warning']],
  [{ retention: [{ name: 'a.b', overdueSecs: 60 }] }, [], 1, ['queue ok']],
  [{ retention: [{ name: 'a.b', overdueSecs: 7_200 }] }, [], 1, ['retention_behind warning']],
  [{ rounds: [{ round: 'retention', seconds: 600 }] }, [], 1, ['upkeep_behind warning']],
  [{ rounds: [{ round: 'of_another_version', seconds: 600 }] }, [], 1, ['queue ok']],
  [{ rollupSecs: 600 }, [], 1, ['upkeep_behind warning']],
  [{ rollupSecs: 600 }, [], 0, ['queue ok']],
  [{}, [{ ...OPEN, dueSecs: 400 }], 1, ['tasks_wait warning']],
  [{}, [{ ...OPEN, dueSecs: 200 }], 1, ['queue ok']],
  [{}, [{ ...OPEN, dueSecs: 1, able: 0 }], 0, ['tasks_wait error']],
  [{}, [{ ...OPEN, dueSecs: 900, pauses: ['a'] }], 1, ['queue ok']],
])('the queue: %j', (change, open, live, expected) => {
  expect(seen(judgeQueue({ ...QUEUE, ...change }, open, live))).toEqual(expected);
});
