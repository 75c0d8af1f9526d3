import { styleText } from 'node:util';
import type { Finding, Severity } from '../../doctor/finding.ts';

const MARKS: Record<Severity, { word: string; style: 'red' | 'yellow' | 'green' }> = {
  error: { word: 'ERROR', style: 'red' },
  warning: { word: 'warning', style: 'yellow' },
  ok: { word: 'ok', style: 'green' },
};
const LABEL = 9;
const MIN_WIDTH = 60;
const MAX_WIDTH = 110;

export type Rendering = {
  /** Whether to show what is as it should be; otherwise it is only counted. */
  all: boolean;
  colours: boolean;
  /** Columns of the terminal; undefined without one. */
  width: number | undefined;
};

/** Findings for people: by area, errors first, each with what to do; and the counts at the end. */
export function renderFindings(findings: readonly Finding[], { all, colours, width }: Rendering): string {
  const columns = Math.min(Math.max(width ?? MAX_WIDTH, MIN_WIDTH), MAX_WIDTH);
  const paint = (style: 'red' | 'yellow' | 'green' | 'bold', text: string): string =>
    colours ? styleText(style, text, { validateStream: false }) : text;
  const areas = [...new Set(findings.map(({ area }) => area))];
  const parts = areas.flatMap((area) => {
    const shown = findings.filter((finding) => finding.area === area && (all || finding.severity !== 'ok'));
    if (shown.length === 0) return [];
    const sorted = shown.toSorted((one, other) => rank(one) - rank(other));
    return [
      `${paint('bold', area)}\n${sorted.map((finding) => renderOne(finding, columns, paint)).join('\n')}\n`,
    ];
  });
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const total = `${numbered(count('error'), 'error')}, ${numbered(count('warning'), 'warning')}, ${count('ok')} ok`;
  return [...parts, `${total}\n`].join('\n');
}

function numbered(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

function rank({ severity }: Finding): number {
  return ['error', 'warning', 'ok'].indexOf(severity);
}

function renderOne(
  { severity, code, message, remedy }: Finding,
  columns: number,
  paint: (style: 'red' | 'yellow' | 'green', text: string) => string,
): string {
  const { word, style } = MARKS[severity];
  const lines = wrapped(`${message}. (${code})`, columns - LABEL);
  const text = lines.join(`\n${' '.repeat(LABEL)}`);
  const head = `${paint(style, word.padEnd(LABEL))}${text}`;
  if (remedy === null) return head;
  return `${head}\n${wrapped(remedy, columns - LABEL - 3)
    .map((line, index) => `${' '.repeat(LABEL)}${index === 0 ? '-> ' : '   '}${line}`)
    .join('\n')}`;
}

/** Breaks a text at spaces. Words that are longer than a line stay complete, so that they can be copied. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  // Names and reasons come from others: without what would speak to the terminal.
  for (const word of text.split(/\s+/).map((part) => part.replaceAll(/\p{C}/gu, '?'))) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
