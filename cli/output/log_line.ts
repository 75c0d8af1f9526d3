import type { LogLine } from '../../client/index.ts';
import { paint, paintWord } from './paint.ts';
import { toOneLine, toPlainText } from './plain.ts';
import { toClock, toLocalTime } from './words.ts';

/**
 * A log line for people: time, level, message, fields. A line before it says when an attempt or a day begins
 * that is not that of `last`.
 */
export function logLineText(line: LogLine, last: LogLine | undefined): string {
  const day = toLocalTime(line.at).slice(0, 10);
  const lastDay = toLocalTime(last?.at ?? new Date().toISOString()).slice(0, 10);
  const isNewAttempt = line.attempt !== (last?.attempt ?? 1);
  const heads = [
    ...(isNewAttempt ? [paint('dim', `-- attempt ${line.attempt} --`)] : []),
    ...(day === lastDay ? [] : [paint('dim', `-- ${day} --`)]),
  ];
  const level = paintWord(toOneLine(line.level).padEnd(5));
  // Further lines of a message stand below its first one.
  const message = toPlainText(line.message)
    .trimEnd()
    .replaceAll('\n', `\n${' '.repeat(19)}`);
  const fields = Object.entries(line.fields ?? {}).map(
    ([name, value]) => `${toOneLine(name)}=${toOneLine(fieldText(value))}`,
  );
  const rest = fields.length === 0 ? '' : `  ${paint('dim', fields.join(' '))}`;
  return [...heads, `${paint('dim', toClock(line.at))} ${level} ${message}${rest}`].join('\n');
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && /^\S+$/.test(value) ? value : JSON.stringify(value);
}
