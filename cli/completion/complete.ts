import type { Command } from 'commander';
import type { ConnectionOptions } from '../connection.ts';
import { type Candidate, candidatesFor, type LiveKind } from './candidates.ts';

/** The lines for a shell: what can stand in the place of the last word. */
export async function complete(program: Command, shell: string, words: readonly string[]): Promise<string> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { kind, prefix } = candidatesFor(program, before, current);
  const candidates = typeof kind === 'string' ? await live(kind, before) : kind;
  // Bash gives `=` as the word if nothing stands behind it.
  const typed = current === '=' ? '' : current;
  return candidates
    .map(({ value, about }) => ({ value: prefix + value, about }))
    .filter(({ value }) => value.startsWith(typed))
    .map((candidate) => `${lineFor(shell, candidate)}\n`)
    .join('');
}

async function live(kind: LiveKind, words: readonly string[]): Promise<Candidate[]> {
  const { readLive } = await import('./live.ts');
  const given = (option: string): string | undefined => {
    const place = words.indexOf(option);
    return place === -1 ? undefined : words[place + 1];
  };
  const options: ConnectionOptions = {
    url: given('--url'),
    token: given('--token'),
    apiKey: given('--api-key'),
  };
  return readLive(kind, options, words[0] ?? '');
}

/** Zsh shows what stands behind a colon. */
function lineFor(shell: string, { value, about }: { value: string; about?: string | undefined }): string {
  if (shell !== 'zsh') return value;
  const escaped = value.replaceAll(':', '\\:');
  return about === undefined ? escaped : `${escaped}:${about}`;
}
