import { expect, test } from 'vitest';
import { executionChart } from '../../../bench/chart.ts';
import { EXECUTION } from '../../../bench/execute/section.ts';
import { type Goal, judge } from '../../../bench/goals.ts';
import { goalSection, mergeMarkdown, type Section, toJson, toMarkdown } from '../../../bench/report.ts';
import { inRounds, median, ratios } from '../../../bench/rounds.ts';
import { tableRows } from '../../support/checkout/documents.ts';

const environment = { date: '2026-01-02T03:04:05Z', commit: 'abc', cpus: 2, node: '24', postgres: '18' };

const faster: Goal = {
  ...{ what: 'execution', unit: 'tasks/s', ours: [12_000, 12_454.4, 20_000], goal: { atLeast: 1.5 } },
  peer: { name: 'graphile-worker', rounds: [8_000, 4_000, 20_000] },
};
const slower: Goal = { ...faster, goal: { atMost: 1.4999 } };
const alone: Goal = {
  ...{ what: 'recovery', unit: 's', ours: [0.0951, 3.2], peer: null, goal: { atMost: 20 } },
};
const shown: Goal = { ...alone, ours: [35.46], goal: null };

function plain(title: string, cell: string): Section {
  return { title, about: 'How.', head: ['what'], rows: [[cell]], data: {} };
}

test('subjects are measured by turns, each once a round, and told of before', async () => {
  const done: string[] = [];
  const subjects = ['A', 'B'].map((name) => ({
    name,
    measure: async () => done.push(`${name} is measured`),
  }));
  const results = await inRounds(subjects, 2, (line) => done.push(line));
  expect(done).toEqual([
    ...['A, round 1 of 2', 'A is measured', 'B, round 1 of 2', 'B is measured'],
    ...['A, round 2 of 2', 'A is measured', 'B, round 2 of 2', 'B is measured'],
  ]);
  expect(results).toEqual([
    [2, 6],
    [4, 8],
  ]);
});

test('the median is the one in the middle, or the mean of the two', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
  expect(median([])).toBeNaN();
  expect(ratios([6, 9], [3, 2])).toEqual([2, 4.5]);
});

test('a ratio is the median of those of the rounds, not the ratio of the medians', () => {
  expect(judge(faster)).toEqual({
    ...{ ours: 12_454.4, theirs: 8_000, ratio: 1.5, isReached: true },
    spread: [1, 3.1136],
  });
  expect(judge(slower).isReached).toBe(false);
  expect(judge({ ...faster, goal: { atLeast: 1.5001 } }).isReached).toBe(false);
  expect(judge({ ...faster, goal: { atMost: 1.5 } }).isReached).toBe(true);
});

test('a figure that misses its goal is shown with the digits that miss it', () => {
  const row = (goal: Goal): string[] =>
    tableRows(
      toMarkdown(environment, [goalSection({ title: 'A', about: 'B.', goals: [goal], data: {} })]),
    )[0] ?? [];
  const missing = row({ ...alone, ours: [1.3004], goal: { atMost: 1.3 } });
  expect([missing[2], missing[7], missing[8]]).toEqual(['1.3004', '<= 1.3', 'no']);
  const ratio = row({ ...faster, ours: [1_499.9], peer: { name: 'x', rounds: [1_000] } });
  expect([ratio[5], ratio[7], ratio[8]]).toEqual(['1.4999', '>= 1.5', 'no']);
  expect(row({ ...alone, ours: [1.3], goal: { atMost: 1.3 } })[2]).toBe('1.3');
  expect(row({ ...alone, ours: [19.96], goal: { atMost: 20 } })[2]).toBe('19.96');
});

test('without a peer it is the figure itself, and without a goal nothing is asked', () => {
  expect(judge(alone)).toEqual({
    ...{ ours: 1.64755, theirs: null, ratio: null, spread: [0.0951, 3.2], isReached: true },
  });
  expect(judge({ ...alone, ours: [20.1] }).isReached).toBe(false);
  expect(judge(shown).isReached).toBeNull();
});

test('goals are a table before the one of the rows, with figures that can be read', () => {
  const goals = [faster, slower, alone, shown];
  const both = { ...plain('Part', 'a cell'), goals };
  const text = toMarkdown(environment, [both]);
  expect(text).toContain(
    '## Part\n\nHow.\n\n2026-01-02, commit abc, 2 CPUs, Node 24, Postgres 18.\n\n| what ',
  );
  const [head = ''] = text.split('\n').filter((line) => line.startsWith('|'));
  expect(head.split('|').map((cell) => cell.trim())).toEqual([
    ...['', 'what', 'unit', 'Errand', 'peer', "peer's", 'ratio', 'spread', 'goal', 'reached', ''],
  ]);
  expect(tableRows(text)).toEqual([
    [
      ...['execution', 'tasks/s', '12,454', 'graphile-worker', '8,000', '1.50', '1.00 to 3.11'],
      ...['>= 1.5', 'yes'],
    ],
    [
      ...['execution', 'tasks/s', '12,454', 'graphile-worker', '8,000', '1.50', '1.00 to 3.11'],
      ...['<= 1.4999', 'no'],
    ],
    ['recovery', 's', '1.65', '-', '-', '-', '0.0951 to 3.2', '<= 20', 'yes'],
    ['recovery', 's', '35.5', '-', '-', '-', '35.5 to 35.5', '-', '-'],
    ['a cell'],
  ]);
  const onlyGoals = toMarkdown(environment, [goalSection({ title: 'Part', about: 'How.', goals, data: {} })]);
  expect(tableRows(onlyGoals)).toEqual(tableRows(text).slice(0, 4));
  expect(text.startsWith(onlyGoals.trimEnd())).toBe(true);
});

test('JSON has all that the tables are made of, with each round', () => {
  const section = goalSection({ title: 'Part', about: 'How.', goals: [faster], data: { rounds: [1] } });
  expect(JSON.parse(toJson(environment, [section, plain('Reads', 'a')]))).toEqual({
    environment,
    sections: [
      { title: 'Part', goals: [{ ...faster, judged: judge(faster) }], data: { rounds: [1] } },
      { title: 'Reads', data: {} },
    ],
  });
});

test('a part that is measured again takes the place of the earlier one, and leaves the others', () => {
  const earlier = toMarkdown(environment, [plain('Reads', 'a'), plain('Writes', 'b')]);
  const both = (reads: string) => toMarkdown(environment, [plain('Reads', reads), plain('Writes', 'b')]);
  expect(mergeMarkdown(earlier, environment, [plain('Reads', 'c')])).toBe(both('c'));
  expect(mergeMarkdown('', environment, [plain('Reads', 'a'), plain('Writes', 'b')])).toBe(both('a'));
});

test('the chart has a bar for each queue, the fastest first and Errand in a colour of its own', () => {
  const goals = [
    { ...faster, what: EXECUTION.what },
    { ...faster, what: EXECUTION.what, peer: { name: 'pg-boss', rounds: [15_000] } },
    { ...faster, what: 'CPU', peer: { name: 'none', rounds: [1] } },
  ];
  const section = goalSection({ title: EXECUTION.title, about: 'How.', goals, data: {} });
  const svg = executionChart(environment, [plain('Reads', 'a'), section]) ?? '';
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  expect(texts.slice(0, 6)).toEqual(['pg-boss', 'Errand', 'graphile-worker', '15,000', '12,454', '8,000']);
  expect(texts.at(-1)).toContain('2026-01-02, commit abc');
  const colours = [...svg.matchAll(/<path[^>]* fill="(#\w+)"/g)].map(([, colour]) => colour);
  expect([colours.length, new Set(colours).size, colours[0] === colours[2]]).toEqual([3, 2, true]);
  expect(svg).toMatch(/^<svg [^>]*>\n<rect [^>]*fill="#ffffff"/);
  expect(executionChart(environment, [plain('Reads', 'a')])).toBeNull();
});
