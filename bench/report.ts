import type { Environment } from './environment.ts';
import { type Goal, judge } from './goals.ts';

/** One measured part: tables for people, and the same as data. */
export type Section = {
  title: string;
  /** One or two sentences: what is measured, and how. */
  about: string;
  /** The goals with the figures of each round. They have their own table before the other one. */
  goals?: readonly Goal[];
  head: readonly string[];
  /**
   * One cell per column in each row. The first two columns are text, the others figures. Without
   * rows there is no table.
   */
  rows: readonly (readonly string[])[];
  data: unknown;
};

/** A part that has only goals. */
export function goalSection(part: {
  title: string;
  about: string;
  goals: readonly Goal[];
  data: unknown;
}): Section {
  return { ...part, head: [], rows: [] };
}

const HEAD = '# Benchmarks\n\nResults of `npm run bench`. Each part states when it was measured.';

/** The report of a run as Markdown, which is readable as plain text. */
export function toMarkdown(environment: Environment, sections: readonly Section[]): string {
  return joined(sections.map((section) => toPart(environment, section)));
}

/** Replaces the parts of an earlier report that have the same titles, and appends the others. */
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

/** The report of a run as JSON: all data of the tables, with every round. */
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
  // Without a peer the spread is that of the figure itself.
  const [low, high] = spread.map(ratio === null ? figure : ratioFigure);
  return [
    ...[goal.what, goal.unit, ratio === null ? beside(ours, goal.goal, figure) : figure(ours)],
    ...[goal.peer?.name ?? '-', theirs === null ? '-' : figure(theirs)],
    ...[ratio === null ? '-' : beside(ratio, goal.goal, ratioFigure), `${low} to ${high}`, asked(goal.goal)],
    isReached === null ? '-' : isReached ? 'yes' : 'no',
  ];
}

function asked(goal: Goal['goal']): string {
  if (goal === null) return '-';
  return 'atLeast' in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
}

/**
 * Shows the value with as many digits as it takes to distinguish it from the goal, so that the
 * table shows what was compared.
 */
function beside(value: number, goal: Goal['goal'], show: (value: number) => string): string {
  const limit = goal === null ? null : 'atLeast' in goal ? goal.atLeast : goal.atMost;
  let shown = show(value);
  for (
    let digits = 4;
    value !== limit && Number(shown.replaceAll(',', '')) === limit && digits < 17;
    digits++
  ) {
    shown = value.toLocaleString('en', { maximumSignificantDigits: digits });
  }
  return shown;
}

/** 12,454; 35.5; 3.2; 0.095. */
function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return value.toLocaleString('en', digits);
}

/** 1.50, so that it differs from 1.49; 0.012; 135. */
function ratioFigure(value: number): string {
  return value >= 0.1 && value < 100 ? value.toFixed(2) : figure(value);
}

/** The text columns, by their numbers from 0. */
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
