import type { Command } from 'commander';
import { EXIT_CODES } from './exit_codes.ts';
import { makeProgram } from './program.ts';
import { CONNECTION } from './remote.ts';

const COMMANDS = { start: '<!-- commands:start -->', end: '<!-- commands:end -->' };
const CODES = { start: '<!-- exit-codes:start -->', end: '<!-- exit-codes:end -->' };
const WIDTH = 96;

/**
 * The guide with the current help of each command, and the exit codes, between their markers. Throws if it
 * lacks a marker.
 */
export function withHelp(guide: string): string {
  const rows = EXIT_CODES.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  const table = ['', '| exit code | meaning |', '|---|---|', ...rows, ''].join('\n');
  return between(between(guide, CODES, table), COMMANDS, helpOfAll());
}

function helpOfAll(): string {
  const program = makeProgram('0.0.0');
  const shown = program.commands.filter((command) => command.name() !== '__complete');
  const parts = shown.flatMap((command) => [
    partOf(command, command.name()),
    ...command.commands.map((one) => partOf(one, `${command.name()} ${one.name()}`)),
  ]);
  return `\n${parts.join('\n\n')}\n\n`;
}

function partOf(command: Command, words: string): string {
  return `### errand ${words}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``;
}

/** The help of a command without what every command has. */
function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  const connection = new RegExp(`^${CONNECTION}\\n[\\s\\S]*?(?=\\n\\S|$(?![\\s\\S]))\\n*`, 'm');
  return help.replace(connection, '').trimEnd();
}

function between(text: string, { start, end }: { start: string; end: string }, inner: string): string {
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`The guide has no ${start} before ${end}: add both lines`);
  return `${text.slice(0, from + start.length)}\n${inner}${text.slice(to)}`;
}
