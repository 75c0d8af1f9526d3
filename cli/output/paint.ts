import { styleText } from 'node:util';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'blue';

/**
 * Colours a text for standard output, only if that is a terminal. NO_COLOR, FORCE_COLOR and TERM are
 * respected, as Node does it.
 */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** The same for standard error. */
export function paintError(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

const STYLES: { [word in string]?: Style } = {
  succeeded: 'green',
  resolved: 'green',
  running: 'cyan',
  retrying: 'yellow',
  failed: 'red',
  crashed: 'red',
  timed_out: 'red',
  lost: 'red',
  overdue: 'red',
  cancelled: 'dim',
  expired: 'yellow',
  interrupted: 'dim',
  stopped: 'dim',
  error: 'red',
  fatal: 'red',
  warn: 'yellow',
  debug: 'dim',
  trace: 'dim',
};

/** Colours a state, an outcome or a log level by what it means. `text` may be padded. */
export function paintWord(text: string): string {
  const style = STYLES[text.trim()];
  return style === undefined ? text : paint(style, text);
}
