import type { Command, Option } from 'commander';
import { STATES } from '../options.ts';

/** Something that can stand at the cursor, with a few words about it. */
export type Candidate = { value: string; about?: string };

/** Candidates that only the API knows. */
export type LiveKind = 'names' | 'namespaces' | 'queues' | 'ids' | 'schedules' | 'limits';

/** The candidates for the cursor. `prefix` is the part of the word before it. */
export type Candidates = { kind: LiveKind | readonly Candidate[]; prefix: string };

type Kind = LiveKind | readonly string[];

const OF_OPTIONS: { [option in string]?: Kind } = {
  '--name': 'names',
  '--namespace': 'namespaces',
  '--state': STATES,
  '--parent': 'ids',
  '--task': 'ids',
  '--level': ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
  '--dedup': ['payload', 'none'],
  '--scopes': ['read', 'submit', 'operate'],
};
/** The candidates of options by what their value is called, in `--task <task>`. It takes precedence. */
const OF_VALUES: { [value in string]?: () => Kind } = {
  task: () => 'names',
  zone: () => Intl.supportedValuesOf('timeZone'),
};
/** The values of these are lists, of which the last part is completed. */
const LISTS = new Set(['--state', '--scopes']);
const OF_ARGUMENTS: { [argument in string]?: Kind } = {
  name: 'names',
  id: 'ids',
  ids: 'ids',
  queue: 'queues',
  schedule: 'schedules',
  limit: 'limits',
  shell: ['bash', 'zsh'],
};

/**
 * Finds what can stand at the cursor. `before` are the words between the program and the word at the cursor,
 * which is `current`. Bash takes `=` for a word and zsh does not: both forms are understood.
 */
export function candidatesFor(program: Command, before: readonly string[], current: string): Candidates {
  const [name, ...words] = before;
  if (name === undefined) return { kind: commandsOf(program), prefix: '' };
  const command = program.commands.find((one) => one.name() === name);
  if (command === undefined) return { kind: [], prefix: '' };
  if (command.commands.length > 0) return candidatesFor(command, words, current);
  const [, assigned, value] = /^(--[a-z-]+)=(.*)$/s.exec(current) ?? [];
  if (assigned !== undefined) return valuesOf(command, assigned, value ?? '', `${assigned}=`);
  const last = words.at(-1);
  if (current === '=' || last === '=') {
    const option = current === '=' ? last : words.at(-2);
    return valuesOf(command, option ?? '', current === '=' ? '' : current, '');
  }
  const option = optionNamed(command, last);
  if (option !== undefined && (option.required || (option.optional && OF_OPTIONS[option.long ?? ''])))
    return valuesOf(command, option.long ?? '', current, '');
  if (current.startsWith('-')) return { kind: command.options.flatMap(ofOption), prefix: '' };
  return { kind: toCandidates(kindOfArgument(command, words)), prefix: '' };
}

/** The commands of the program, or of a group of commands. */
function commandsOf(group: Command): Candidate[] {
  const shown = group.createHelp().visibleCommands(group);
  return [
    ...shown.map((command) => ({ value: command.name(), about: command.description() })),
    { value: '--help' },
    ...(group.parent === null ? [{ value: '--version' }] : []),
  ];
}

function valuesOf(command: Command, option: string, value: string, prefix: string): Candidates {
  const { argChoices, flags } = optionNamed(command, option) ?? {};
  const [, called = ''] = /<(\w+)>$/.exec(flags ?? '') ?? [];
  const kind = toCandidates(argChoices ?? OF_VALUES[called]?.() ?? OF_OPTIONS[option] ?? []);
  const list = LISTS.has(option) ? value.slice(0, value.lastIndexOf(',') + 1) : '';
  return { kind, prefix: prefix + list };
}

function ofOption({ long, description, hidden }: Option): Candidate[] {
  return long === undefined || long === null || hidden ? [] : [{ value: long, about: description }];
}

function optionNamed(command: Command, word: string | undefined): Option | undefined {
  return command.options.find(({ long, short }) => word !== undefined && (word === long || word === short));
}

/** The kind of the argument at the cursor: the words before it, without options and their values, are counted. */
function kindOfArgument(command: Command, words: readonly string[]): Kind {
  let place = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (!word.startsWith('-') || word === '-') place++;
    else if (optionNamed(command, word)?.required === true) index++;
  }
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[place] ?? (last?.variadic === true ? last : undefined);
  return OF_ARGUMENTS[argument?.name() ?? ''] ?? [];
}

function toCandidates(kind: Kind): LiveKind | readonly Candidate[] {
  return typeof kind === 'string' ? kind : kind.map((value) => ({ value }));
}
