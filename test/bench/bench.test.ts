import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { benchOptions } from '../../bench/options.ts';
import { MEASUREMENTS } from '../../bench/reads/measurements.ts';
import { mergeMarkdown, toJson, toMarkdown } from '../../bench/report.ts';
import { ROOT, tableRows } from '../docs/documents.ts';
import { scratchFolder } from '../embedded/scratch.ts';

const temporary = scratchFolder(0o755);
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const SMALL = ['--small', '1000', '--large', '5000', '--repetitions', '2'];
const EXPECTED = MEASUREMENTS.flatMap(({ name, store, path }) => [
  ...(store === undefined ? [] : [[name, 'store']]),
  ...(path === undefined ? [] : [[name, 'HTTP']]),
]);

/** What `npm run bench` runs, as a process of its own with a temporary folder that it shares with nobody. */
function bench(...args: string[]) {
  const child = spawn(process.execPath, [join(ROOT, 'bench/main.ts'), ...args], {
    env: { ...process.env, TMPDIR: temporary },
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

test('prints every read at both sizes as a table, and leaves nothing behind', async () => {
  const { output, exited } = bench(...SMALL, '--only', 'reads');
  expect([await exited, output.stderr]).toEqual([0, expect.stringContaining('5,000 of 5,000 tasks')]);
  const [head = ''] = output.stdout.split('\n').filter((line) => line.startsWith('|'));
  for (const column of ['1k median', '1k p99', '1k blocks', '5k median', '5k p99', '5k blocks', 'ratio'])
    expect(head).toContain(` ${column} |`);
  const rows = tableRows(output.stdout);
  expect(rows.map((row) => row.slice(0, 2))).toEqual(EXPECTED);
  for (const [name, by, ...figures] of rows) {
    expect([name, by, figures.length, figures.every((figure) => Number(figure) > 0)]).toEqual([
      name,
      by,
      7,
      true,
    ]);
  }
  expect(output.stdout).toMatch(
    /^\d{4}-\d\d-\d\d, commit \S.*, \d+ CPUs, Node 24\.\S+, Postgres 18\.\S+\.\n/m,
  );
  expect(output.stdout).not.toContain(ROOT);
  expect(output.stdout).not.toContain(temporary);
  expect(readdirSync(temporary)).toEqual([]);
});

test('the same as JSON', () => {
  const environment = { date: '2026-01-02T03:04:05Z', commit: 'abc', cpus: 2, node: '24', postgres: '18' };
  const section = { title: 'Reads', about: 'How.', head: ['what'], rows: [['a']], data: { reads: [1] } };
  expect(JSON.parse(toJson(environment, [section]))).toEqual({
    environment,
    sections: [{ title: 'Reads', data: { reads: [1] } }],
  });
});

test('a part that is measured anew takes the place of the earlier one, and leaves the others', () => {
  const environment = { date: '2026-01-02T03:04:05Z', commit: 'abc', cpus: 2, node: '24', postgres: '18' };
  const section = (title: string, cell: string) => ({
    title,
    about: 'How.',
    head: ['what'],
    rows: [[cell]],
    data: {},
  });
  const earlier = toMarkdown(environment, [section('Reads', 'a'), section('Writes', 'b')]);
  const both = (reads: string) => toMarkdown(environment, [section('Reads', reads), section('Writes', 'b')]);
  expect(mergeMarkdown(earlier, environment, [section('Reads', 'c')])).toBe(both('c'));
  expect(mergeMarkdown('', environment, [section('Reads', 'a'), section('Writes', 'b')])).toBe(both('a'));
});

test('the command line has its defaults, for a quick run others', () => {
  const expected = { small: 100_000, large: 10_000_000, repetitions: 300, json: false, write: false };
  expect(benchOptions([])).toEqual(expected);
  expect(benchOptions(['--quick', '--json'])).toEqual({
    ...expected,
    large: 1_000_000,
    repetitions: 100,
    json: true,
  });
  expect(benchOptions(['--help'])).toBe('help');
});

test.each([
  [['--larger', '5'], "Unknown option '--larger'"],
  [['--small', '10'], '--small must be a whole number from 1000 to 100000000'],
  [['--repetitions', 'many'], '--repetitions must be a whole number from 1 to 10000'],
  [['quick'], "Unexpected argument 'quick'"],
])('refuses %j with what is accepted', (args, problem) => {
  expect(() => benchOptions(args)).toThrow(problem);
  expect(() => benchOptions(args)).toThrow('npm run bench -- --quick');
});
