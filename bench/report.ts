import type { Environment } from './environment.ts';
import { type Goal, judge } from './goals.ts';

/** One part of what is measured: tables for people, and the same as data. */
export type Section = {
  title: string;
  /** What is measured and how, in a sentence or two. */
  about: string;
  /** What is to be reached, with each round's figures; a table of its own, before the other one. */
  goals?: readonly Goal[];
  head: readonly string[];
  /** Of each row one cell per column; the first two columns are words, the others figures. None, no table. */
  rows: readonly (readonly string[])[];
  data: unknown;
};

/** A part that consists of what is to be reached. */
export function goalSection(part: {
  title: string;
  about: string;
  goals: readonly Goal[];
  data: unknown;
}): Section {
  return { ...part, head: [], rows: [] };
}

const HEAD = '# Benchmarks\n\nWhat `npm run bench` has measured, each part at its time.';

/** The report of a run as Markdown that is readable as it is. */
export function toMarkdown(environment: Environment, sections: readonly Section[]): string {
  return joined(sections.map((section) => toPart(environment, section)));
}

/** An earlier report with the parts that were measured anew in the place of those of the same title, or after them. */
export function mergeMarkdown(
  earlier: string,
  environment: Environment,
  sections: readonly Section[],
): string {
  const parts = earlier
    .split(/^(?=## )/m)
    .slice(1)
    .map((part) => part.trim());
  for (const section of sections) {
    const index = parts.findIndex((part) => part.startsWith(`## ${section.title}\n`));
    parts.splice(index < 0 ? parts.length : index, index < 0 ? 0 : 1, toPart(environment, section));
  }
  return joined(parts);
}

function toPart(environment: Environment, { title, about, goals = [], head, rows }: Section): string {
  const { date, commit, cpus, node, postgres } = environment;
  const where = `${date.slice(0, 10)}, commit ${commit}, ${cpus} CPUs, Node ${node}, Postgres ${postgres}.`;
  const tables = [
    ...(goals.length === 0 ? [] : [table(GOAL_HEAD, goals.map(goalRow), GOAL_WORDS)]),
    ...(rows.length === 0 ? [] : [table(head, rows, WORDS)]),
  ];
  return [`## ${title}`, about, where, ...tables].join('\n\n');
}

function joined(parts: readonly string[]): string {
  return `${[HEAD, ...parts].join('\n\n')}\n`;
}

/** The report of a run as JSON: all that the tables are made of, each round by itself. */
export function toJson(environment: Environment, sections: readonly Section[]): string {
  const all = sections.map(({ title, goals, data }) => ({
    title,
    goals: goals?.map((goal) => ({ ...goal, judged: judge(goal) })),
    data,
  }));
  return `${JSON.stringify({ environment, sections: all }, null, 2)}\n`;
}

const GOAL_HEAD = ['what', 'unit', 'Errand', 'peer', "peer's", 'ratio', 'spread', 'goal', 'reached'];

function goalRow(goal: Goal): string[] {
  const { ours, theirs, ratio, spread, isReached } = judge(goal);
  // Without a peer it is the figure itself that spreads.
  const [low, high] = spread.map(ratio === null ? figure : ratioFigure);
  return [
    ...[goal.what, goal.unit, figure(ours), goal.peer?.name ?? '-', theirs === null ? '-' : figure(theirs)],
    ...[ratio === null ? '-' : ratioFigure(ratio), `${low} to ${high}`, asked(goal.goal)],
    isReached === null ? '-' : isReached ? 'yes' : 'no',
  ];
}

function asked(goal: Goal['goal']): string {
  if (goal === null) return '-';
  return 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
}

/** 12,454; 35.5; 3.2; 0.095. */
function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return value.toLocaleString('en', digits);
}

/** 1.50, so that it can be told from 1.49; 0.012; 135. */
function ratioFigure(value: number): string {
  return value >= 0.1 && value < 100 ? value.toFixed(2) : figure(value);
}

/** The columns that are words, by their numbers from 0. */
const WORDS: readonly number[] = [0, 1];
const GOAL_WORDS: readonly number[] = [0, 1, 3, 8];

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words: readonly number[],
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const pad = (cell: string, column: number): string =>
    words.includes(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  const line = (cells: readonly string[]): string => `| ${cells.map(pad).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    words.includes(column) ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`,
  );
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}
