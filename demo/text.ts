import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of the demo, from the top of the repository. */
const FILE = join('test', 'data', 'moby-dick.txt');

/** What the task `text.count_words` records for one paragraph. */
export type Count = { words: number; characters: number; longest_word: string };
export type Totals = Count & { paragraphs: number };

/** The paragraphs of the text: what is between its blank lines. */
export function readParagraphs(): string[] {
  const text = readFileSync(join(import.meta.dirname, '..', FILE), 'utf8');
  return text.split(/\n\s*\n/).map((paragraph) => paragraph.trim());
}

/** Counts one paragraph here, to hold the recorded results against. */
export function count(text: string): Count {
  const words = Array.from(new Intl.Segmenter('en', { granularity: 'word' }).segment(text))
    .filter(({ isWordLike }) => isWordLike)
    .map(({ segment }) => segment);
  return {
    words: words.length,
    characters: Array.from(text).length,
    longest_word: words.reduce(longer, ''),
  };
}

/** Adds up counts. Of several longest words it is the first. */
export function total(counts: Count[]): Totals {
  const sum = (of: (count: Count) => number): number => counts.reduce((all, each) => all + of(each), 0);
  return {
    paragraphs: counts.length,
    words: sum(({ words }) => words),
    characters: sum(({ characters }) => characters),
    longest_word: counts.map(({ longest_word }) => longest_word).reduce(longer, ''),
  };
}

function longer(longest: string, word: string): string {
  return word.length > longest.length ? word : longest;
}
