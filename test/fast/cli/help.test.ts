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

const commands = makeProgram('1.0.0').commands.filter((command) => command.name() !== '__complete');

test('the guide has the help of every command', () => {
  const blocks = blocksOf('docs/guides/command-line.md', 'Commands', 'text', 26);
  expect(blocks.map((block) => /^Usage: errand (\S+)/.exec(block)?.[1])).toEqual(
    commands.map((command) => command.name()),
  );
  expect(withHelp(documentText(GUIDE))).toBe(documentText(GUIDE));
});

test.each(commands.map((command): [string, Command] => [command.name(), command]))(
  'errand %s has examples that its own options accept',
  (name, command) => {
    const [, text = ''] = helpOf(command).split('\nExamples:\n');
    const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('  # '));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const [, typed = ''] = /\berrand (.*)$/.exec(line) ?? [];
      const words = wordsOf(typed);
      expect([line, words[0]]).toEqual([line, name]);
      // A fresh one: options that are lists would add up.
      const parsed = makeProgram('1.0.0').commands.find((one) => one.name() === name);
      parsed?.configureOutput({ writeErr: () => {} }).action(() => {});
      expect(() => parsed?.parse(words.slice(1), { from: 'user' })).not.toThrow();
    }
  },
);

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
