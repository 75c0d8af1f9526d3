import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { DOCUMENTS, documentText, ROOT } from '../../support/checkout/documents.ts';

const { scripts } = JSON.parse(documentText('package.json')) as { scripts: Record<string, string> };

test('README leads to every other document', () => {
  const linked = [...documentText('README.md').matchAll(/\]\(([^):#]+\.md)[^)]*\)/g)].map(
    ([, target]) => target,
  );
  expect(DOCUMENTS).toContain('docs/architecture.md');
  expect(['README.md', ...linked]).toEqual(expect.arrayContaining([...DOCUMENTS]));
});

test('each guide leads to the next one, in the order of README', () => {
  const [, list = ''] = documentText('README.md').split('## Guides');
  const guides = [...list.matchAll(/\(docs\/guides\/([\w-]+\.md)\)/g)].map(([, guide = '']) => guide);
  const next = guides.map(
    (guide) => /^Next: \[[^\]]+\]\(([\w-]+\.md)\)/m.exec(documentText(`docs/guides/${guide}`))?.[1],
  );
  expect(next).toEqual([...guides.slice(1), undefined]);
});

/** Scripts that `errand init` writes into the project of a user; this repository has the others, too. */
const OF_USERS = ['dev'];

test.each(DOCUMENTS)('%s names scripts that exist and files that are there', (document) => {
  const text = documentText(document);
  for (const [, script = ''] of text.matchAll(/npm run ([\w:-]*\w)/g))
    expect([...Object.keys(scripts), ...OF_USERS]).toContain(script);
  for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
    expect([target, existsSync(join(ROOT, dirname(document), target))]).toEqual([target, true]);
  }
  // Files that are named as code, a folder before them or not: not the words of a task's name.
  for (const [, file = ''] of text.matchAll(/`([\w.-]+\/[\w./-]+\.(?:ts|sql|yaml|json|md))`/g)) {
    if (!/^tasks\/text\.(reverse|palindromes)\./.test(file))
      expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
  }
});

/** The names by which links reach the headings of a document, as GitHub makes them. */
function anchorsOf(document: string): string[] {
  const text = documentText(document).replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each(DOCUMENTS)('%s links to headings that exist', (document) => {
  for (const [, target = '', anchor = ''] of documentText(document).matchAll(/\]\(([^):#]*)#([^)]+)\)/g)) {
    const file = target === '' ? document : join(dirname(document), target);
    expect([document, target, anchorsOf(file).includes(anchor), anchor]).toEqual([
      document,
      target,
      true,
      anchor,
    ]);
  }
});

test.each(Object.entries(scripts))('the script %s runs files that are there', (_name, command) => {
  for (const [file] of command.matchAll(/[\w./]+\.ts\b/g)) {
    expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
  }
});
