import { globSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DOCUMENTS, documentText, ROOT } from '../../support/checkout/documents.ts';

/** The fenced blocks that no test runs, by document, heading and language, each with the reason. */
const UNTESTED: Record<string, string> = {
  'README.md # mermaid': 'a picture of the way of a task',
  'CONTRIBUTING.md #Tests sh': 'they take minutes, and .ci/run runs both tiers so',
  'CONTRIBUTING.md #Setting up sh': '.ci/run does both in a fresh clone, and all checks stand on it',
};

/** Where the fenced blocks of a document stand, as `document #heading language`. */
function placesOf(document: string): string[] {
  return documentText(document)
    .split(/^## /m)
    .flatMap((part, index) => {
      const heading = index === 0 ? '' : (part.split('\n')[0] ?? '');
      const fences = [...part.matchAll(/^ *```(\w*)$/gm)].filter((_fence, place) => place % 2 === 0);
      return fences.map(([, language = '']) => `${document} #${heading} ${language}`);
    });
}

/** What the tests claim by calls of `blocksOf` with literals. */
function claims(): Set<string> {
  const call = /\bblocksOf\(\s*'([^']+)',\s*'([^']*)',\s*'(\w+)',\s*\d+,?\s*\)/g;
  const files = globSync('test/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules/**'] });
  const found = files.flatMap((file) => [...documentText(file).matchAll(call)]);
  return new Set(found.map(([, document, heading, language]) => `${document} #${heading} ${language}`));
}

const places = DOCUMENTS.flatMap(placesOf);

test('every fenced block of every document is claimed by a test, or has a reason', () => {
  const claimed = claims();
  expect(places.length).toBeGreaterThan(30);
  expect(places.filter((place) => !claimed.has(place) && !(place in UNTESTED))).toEqual([]);
});

test('no reason stands for a block that does not exist, or that a test claims', () => {
  const claimed = claims();
  expect(Object.keys(UNTESTED).filter((place) => claimed.has(place) || !places.includes(place))).toEqual([]);
});
