import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { withHelp } from '../../../cli/docs.ts';
import { makeProgram } from '../../../cli/program.ts';
import { blocksOf, documentText, ROOT } from '../../support/checkout/documents.ts';

const GUIDE = 'docs/guides/command-line.md';

/** The help of a command, with its examples. */
function helpOf(command: Command): string {
  const parts: string[] = [];
  command.configureOutput({ writeOut: (text) => parts.push(text) }).outputHelp();
  return parts.join('');
}

/** All commands with the words that call them, each group before its commands. */
function commandsOf(group: Command, above = ''): [words: string, command: Command][] {
  return group.commands
    .filter((command) => command.name() !== '__complete')
    .flatMap((command) => {
      const words = `${above}${command.name()}`;
      return [[words, command] as [string, Command], ...commandsOf(command, `${words} `)];
    });
}

const commands = commandsOf(makeProgram('1.0.0'));

test('the guide has the help of every command', () => {
  const blocks = blocksOf('docs/guides/command-line.md', 'Commands', 'text', 47);
  expect(blocks.map((block) => /^Usage: errand ([a-z ]*[a-z])(?= |$)/m.exec(block)?.[1])).toEqual(
    commands.map(([words]) => words),
  );
  expect(withHelp(documentText(GUIDE))).toBe(documentText(GUIDE));
});

test.each(commands)('errand %s has examples that its own options accept', (name, command) => {
  const [, text = ''] = helpOf(command).split('\nExamples:\n');
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('  # '));
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    const [, typed = ''] = /\berrand (.*)$/.exec(line) ?? [];
    const words = wordsOf(typed);
    // A fresh one: options that are lists would add up.
    const [called, parsed] =
      commandsOf(makeProgram('1.0.0')).findLast(([one]) => `${words.join(' ')} `.startsWith(`${one} `)) ?? [];
    // The help of a group has examples of its commands.
    expect([line, command.commands.length > 0 ? called?.split(' ')[0] : called]).toEqual([line, name]);
    parsed?.configureOutput({ writeErr: () => {} }).action(() => {});
    const given = words.slice(called?.split(' ').length);
    expect(() => parsed?.parse(given, { from: 'user' })).not.toThrow();
  }
});

/** The words of a simple command, as a shell takes them, up to a pipe or a redirection. */
function wordsOf(line: string): string[] {
  const [command = ''] = line.split(/ [|>] |\)$| {3,}/);
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}

test('help and completion load nothing but commander', () => {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, from = ''] of text.matchAll(/^import (?!type )[^;]*?['"]([^'"]+)['"];/gm)) {
      if (from.startsWith('.')) visit(join(dirname(file), from));
      else if (!from.startsWith('node:')) packages.add(from);
    }
  };
  visit(join(ROOT, 'cli/run.ts'));
  expect([...packages]).toEqual(['commander']);
  expect([...seen].map((file) => relative(ROOT, file)).filter((file) => !file.startsWith('cli/'))).toEqual(
    [],
  );
});
