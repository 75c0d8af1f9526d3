import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of the demo, relative to the root of the repository. */
const FILE = join('test', 'data', 'moby-dick.txt');

/** The result of the task `text.count_words` for one paragraph. */
export type Count = { words: number; characters: number; longest_word: string };
export type Totals = Count & { paragraphs: number };

/** The paragraphs of the text, which blank lines separate. */
export function readParagraphs(): string[] {
  const text = readFileSync(join(import.meta.dirname, '..', FILE), 'utf8');
  return text.split(/\n\s*\n/).map((paragraph) => paragraph.trim());
}

/** Counts one paragraph here, to compare it with the recorded result. */
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

/** Adds up counts. Of several longest words it keeps the first. */
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
