import { expect, test } from 'vitest';
import { DOCUMENTS, documentText } from '../../support/checkout/documents.ts';

/** Words that a newcomer stumbles over, and sentences whose subject is a clause: somebody or something has a name. */
const STILTED = [
  /\banew\b/gi,
  /\bwhoever\b/gi,
  /\bthat is none\b/gi,
  /\bcan not\b/gi,
  /\bthat there (?:is|are) not\b/gi,
  /\bhas (?:it|them|these) done\b/gi,
  /\bof (?:its|his|her|their|one's|Errand's) own\b/gi,
  /\b(?:is|are) told\b/gi,
  /(?:^|[.!?:] |[-*] |\*\*|\| )(?:Who|What|Whatever) [a-z]+ /gm,
];

/** A document without its fenced blocks and its code, on one line per paragraph. */
function prose(document: string): string {
  return documentText(document)
    .replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
    .replaceAll(/`[^`]*`/g, '`…`')
    .replaceAll(/(?<=\S)\n {0,4}(?=[^\s|#>-])/g, ' ');
}

test.each(DOCUMENTS)('%s says it in plain English', (document) => {
  const text = prose(document);
  expect(STILTED.flatMap((words) => text.match(words) ?? [])).toEqual([]);
});

test.each(DOCUMENTS)('%s is wrapped at 100 columns, but for tables and code', (document) => {
  const text = documentText(document).replaceAll(/^ *```[\s\S]*?^ *```$/gm, '');
  const long = text.split('\n').filter((line) => line.length > 100 && !/^\||^!\[/.test(line));
  expect(long).toEqual([]);
});
