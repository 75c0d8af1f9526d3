import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { benchOptions, USUAL_PARTS } from '../../../bench/options.ts';
import { hasRedis } from '../../../bench/queues/redis.ts';
import { MEASUREMENTS } from '../../../bench/reads/measurements.ts';
import { ROOT, section, tableRows } from '../../support/checkout/documents.ts';
import { scratchFolder } from '../../support/checkout/scratch.ts';
import { until } from '../../support/until.ts';

const temporary = scratchFolder(0o755);
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const TINY = [
  '--quick',
  '--tasks',
  '100',
  '--rounds',
  '1',
  '--repetitions',
  '2',
  '--small',
  '1000',
  '--large',
  '5000',
];
const EXPECTED = MEASUREMENTS.flatMap(({ name, store, path }) => [
  ...(store === undefined ? [] : [[name, 'store']]),
  ...(path === undefined ? [] : [[name, 'HTTP']]),
]);

/** What `npm run bench` runs, as a process of its own with a temporary folder that it shares with nobody. */
function bench(...args: string[]) {
  const child = spawn(process.execPath, [join(ROOT, 'bench/main.ts'), ...args], {
    env: { ...process.env, NODE_V8_COVERAGE: '', TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  return { child, output, exited: once(child, 'close').then(([code, signal]) => code ?? signal) };
}

/** The rows of a part's table of goals, and of its other one. */
function rowsOf(report: string, title: string): { goals: string[][]; others: string[][] } {
  const rows = tableRows(section(report, title));
  const goals = rows.filter((row) => row.length === 9 && ['yes', 'no', '-'].includes(row[8] ?? ''));
  return { goals, others: rows.slice(goals.length) };
}

test('prints each part that was asked for as tables, and leaves nothing behind', async () => {
  const { output, exited } = bench(...TINY, '--only', 'ledger,execute,reads');
  expect([await exited, output.stderr]).toEqual([0, expect.stringContaining('5,000 of 5,000 tasks')]);
  expect([...output.stdout.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
    'Executing tasks that do nothing',
    'Reading with few and with many finished tasks',
    'Executing with many finished tasks',
  ]);
  const environment = /^\d{4}-\d\d-\d\d, commit \S.*, \d+ CPUs, Node 24\.\S+, Postgres 18\.\S+\.\n/gm;
  expect(output.stdout.match(environment)).toHaveLength(3);
  expect(output.stdout).not.toContain(ROOT);
  expect(output.stdout).not.toContain(temporary);
  expect(readdirSync(temporary)).toEqual([]);

  const executing = rowsOf(output.stdout, 'Executing tasks that do nothing');
  const onRedis = (await hasRedis()) ? ['BullMQ on Redis'] : [];
  const onPostgres = ['graphile-worker', 'pg-boss', 'pg-boss, an output each', 'BullMQ on Postgres'];
  const peers = [...onPostgres, ...onRedis];
  expect(executing.goals.map(([what, , , peer]) => [what, peer])).toEqual([
    ...peers.map((peer) => ['execution', peer]),
    ...peers.map((peer) => ['CPU', peer]),
    ...onPostgres.map((peer) => ['statements', peer]),
  ]);
  const asked = executing.goals.map(([, , , , , , , goal]) => goal);
  expect(asked.slice(0, peers.length)).toEqual(
    ['>= 2', '>= 1.5', '>= 1.5', '>= 2', '>= 1'].slice(0, peers.length),
  );
  expect(asked.slice(peers.length)).toEqual(['<= 0.9', ...Array(asked.length - peers.length - 1).fill('-')]);
  for (const [, , ours = '', , theirs = ''] of executing.goals.slice(0, peers.length))
    expect([figure(ours) > 0, figure(theirs) > 0]).toEqual([true, true]);

  const [inLedger = []] = rowsOf(output.stdout, 'Executing with many finished tasks').goals;
  expect([inLedger[0], inLedger[3], inLedger[7]]).toEqual([
    ...['execution with 5,000 finished', 'Errand with none', '>= 0.9'],
  ]);

  const { others } = rowsOf(output.stdout, 'Reading with few and with many finished tasks');
  expect(others.map((row) => row.slice(0, 2))).toEqual(EXPECTED);
  for (const [name, by, ...figures] of others) {
    const arePositive = figures.every((cell) => Number(cell) > 0);
    expect([name, by, figures.length, arePositive]).toEqual([name, by, 7, true]);
  }
});

test('prints the same as JSON, with each round', async () => {
  const { output, exited } = bench(...TINY, '--only', 'one-by-one', '--json');
  expect(await exited).toBe(0);
  const rounds = [expect.any(Number)];
  const row = { unit: 'tasks/s', ours: rounds, peer: { name: 'graphile-worker', rounds } };
  const judged = expect.objectContaining({ ratio: expect.any(Number) });
  expect(JSON.parse(output.stdout)).toEqual({
    environment: expect.objectContaining({ postgres: expect.stringMatching(/^18\./) }),
    sections: [
      {
        title: 'Tasks that come one by one',
        goals: [
          { ...row, what: 'execution', goal: { atLeast: 0.8 }, judged },
          { ...row, what: 'submission and execution together', goal: null, judged },
          { ...row, what: 'submission', goal: null, judged },
        ],
        data: expect.objectContaining({ tasks: 20 }),
      },
    ],
  });
  expect(readdirSync(temporary)).toEqual([]);
});

test('a run that is stopped says so, and leaves nothing behind either', async () => {
  const { child, output, exited } = bench(...TINY, '--only', 'execute');
  await until('it measures', () => output.stderr.includes('executes, round 1'));
  child.kill('SIGTERM');
  expect([await exited, output.stdout]).toEqual([1, '']);
  expect(output.stderr.trimEnd().split('\n').at(-1)).toBe('Stopped.');
  expect(readdirSync(temporary)).toEqual([]);
});

function figure(cell: string): number {
  return Number(cell.replaceAll(',', ''));
}

test('the command line has its defaults, for a quick run others', () => {
  const sizes = { small: 100_000, large: 10_000_000, tasks: 50_000, rounds: 5, repetitions: 300 };
  const expected = { ...sizes, only: [...USUAL_PARTS], isQuick: false, json: false, write: false };
  const quick = { large: 400_000, tasks: 5_000, rounds: 2, repetitions: 30, isQuick: true };
  expect(benchOptions([])).toEqual(expected);
  expect(benchOptions(['--quick', '--json'])).toEqual({ ...expected, ...quick, json: true });
  expect(benchOptions(['--quick', '--rounds', '7', '--only', 'http,reads'])).toEqual({
    ...{ ...expected, ...quick, rounds: 7, only: ['http', 'reads'] },
  });
  expect(benchOptions(['--help'])).toBe('help');
});

test.each([
  [['--larger', '5'], "Unknown option '--larger'"],
  [['--small', '10'], '--small must be an integer from 1000 to 100000000'],
  [['--repetitions', 'many'], '--repetitions must be an integer from 1 to 10000'],
  [['--tasks', '1'], '--tasks must be an integer from 10 to 1000000'],
  [['--only', 'reads,writes'], '--only must be some of execute, one-by-one, '],
  [['quick'], "Unexpected argument 'quick'"],
])('refuses %j with what is accepted', (args, problem) => {
  expect(() => benchOptions(args)).toThrow(problem);
  expect(() => benchOptions(args)).toThrow('npm run bench -- --quick');
});
