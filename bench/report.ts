import type { Environment } from './environment.ts';

/** One part of what is measured: a table for people, and the same as data. */
export type Section = {
  title: string;
  /** What is measured and how, in a sentence or two. */
  about: string;
  head: readonly string[];
  /** Of each row one cell per column; the first two columns are words, the others figures. */
  rows: readonly (readonly string[])[];
  data: unknown;
};

/** The report of a run as Markdown that is readable as it is. */
export function toMarkdown(environment: Environment, sections: readonly Section[]): string {
  const { date, commit, cpus, node, postgres } = environment;
  const where = `${date.slice(0, 10)}, commit ${commit}, ${cpus} CPUs, Node ${node}, Postgres ${postgres}`;
  const parts = sections.map(
    ({ title, about, head, rows }) => `## ${title}\n\n${about}\n\n${table(head, rows)}`,
  );
  return `# Benchmarks\n\n\`npm run bench\`, ${where}.\n\n${parts.join('\n\n')}\n`;
}

/** The report of a run as JSON. */
export function toJson(environment: Environment, sections: readonly Section[]): string {
  const all = sections.map(({ title, data }) => ({ title, data }));
  return `${JSON.stringify({ environment, sections: all }, null, 2)}\n`;
}

const WORDS = 2;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, column, widths[column] ?? 0)).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column < WORDS ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`,
  );
  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n');
}

function pad(cell: string, column: number, width: number): string {
  return column < WORDS ? cell.padEnd(width) : cell.padStart(width);
}
