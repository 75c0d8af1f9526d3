import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectFiles } from '../../../.ci/project_files.ts';
import { documentText, ROOT } from '../../support/checkout/documents.ts';

const PAGE = 'docs/specification.md';
/** What people write in: generated files repeat it, and what was released stays as it was. */
const WRITTEN = /\.(ts|js|sql|md|ya?ml|sh)$|(^|\/)Dockerfile$/;
const NOT_CITING = new Set([PAGE, 'openapi.yaml', 'package-lock.json', 'released/openapi.yaml']);
/** A letter of a section and a number; no part of a word, a path, a range of characters or an escape. */
const CITED = /(?<![\w%/#$.\\-])[ACDFKLOPQRSTUWXZ]\d{1,2}(?![\w-])/g;

const entries = [...documentText(PAGE).matchAll(/^- \*\*(\w+)\*\* \S/gm)].map(([, id = '']) => id);
const sections = [...documentText(PAGE).matchAll(/^## (\w): /gm)].map(([, letter = '']) => letter);

/** Every identifier that a file of the checkout cites, with the files. */
function citations(): Map<string, string[]> {
  const cited = new Map<string, string[]>();
  for (const file of projectFiles(ROOT).filter((name) => WRITTEN.test(name) && !NOT_CITING.has(name))) {
    for (const [id] of readFileSync(join(ROOT, file), 'utf8').matchAll(CITED)) {
      cited.set(id, [...(cited.get(id) ?? []), file]);
    }
  }
  return cited;
}

test('every identifier that is cited has an entry, and every entry is cited', () => {
  const cited = citations();
  const unexplained = [...cited].filter(([id]) => !entries.includes(id));
  expect(unexplained).toEqual([]);
  expect(entries.filter((id) => !cited.has(id))).toEqual([]);
});

test('each entry stands once, in order, in the section of its letter', () => {
  expect(sections.flatMap((letter) => entries.filter((id) => id.startsWith(letter)))).toEqual(entries);
  const numbersOf = (letter: string): number[] =>
    entries.filter((id) => id.startsWith(letter)).map((id) => Number(id.slice(1)));
  for (const letter of sections) {
    expect([letter, numbersOf(letter)]).toEqual([
      letter,
      [...new Set(numbersOf(letter))].sort((a, b) => a - b),
    ]);
  }
});
