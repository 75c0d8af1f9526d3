import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Every document of this checkout that people write. */
export const DOCUMENTS: readonly string[] = globSync(['*.md', 'docs/**/*.md', 'client/*.md'], {
  cwd: ROOT,
}).sort();

/** A document of this checkout. */
export function documentText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** The part of a document under a heading of the second level, or before the first one (''). Throws if there is none. */
export function section(text: string, heading: string): string {
  if (heading === '') return text.split(/^## /m)[0] ?? '';
  const found = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (found === undefined) throw new Error(`There is no section "${heading}"`);
  return found;
}

/** The fenced blocks of one language in a text, in order. */
function codeBlocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter((block) => block[1] === language)
    .map((block) => block[2] ?? '');
}

/**
 * The fenced blocks of one language below a heading of a document. Throws unless there are exactly `count`. A call
 * with literals claims these blocks: claims.test.ts fails for a block that no test claims.
 */
export function blocksOf(document: string, heading: string, language: string, count: number): string[] {
  const blocks = codeBlocks(section(documentText(document), heading), language);
  if (blocks.length !== count)
    throw new Error(`${document} has ${blocks.length} blocks of ${language} in "${heading}", not ${count}`);
  return blocks;
}

/** The cells of the tables in a text, row by row, without heads. */
export function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line, index, lines) => line.startsWith('|') && !lines[index + 1]?.startsWith('|---'))
    .filter((line) => !line.startsWith('|---'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
