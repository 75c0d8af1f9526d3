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

function toPart(environment: Environment, { title, about, head, rows }: Section): string {
  const { date, commit, cpus, node, postgres } = environment;
  const where = `${date.slice(0, 10)}, commit ${commit}, ${cpus} CPUs, Node ${node}, Postgres ${postgres}`;
  return `## ${title}\n\n${about}\n\n${where}.\n\n${table(head, rows)}`;
}

function joined(parts: readonly string[]): string {
  return `${[HEAD, ...parts].join('\n\n')}\n`;
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
