import { globSync } from 'node:fs';
import { expect, test } from 'vitest';
import { projectFiles } from '../../../.ci/project_files.ts';
import { DOCUMENTS, documentText, ROOT, section, tableRows } from '../../support/checkout/documents.ts';

/** What things were called before, as parts of words in lower case, with the word of the glossary or of the field. */
const REPLACED: Record<string, string> = {
  ring: 'dispatch',
  rings: 'dispatches',
  unring: 'remove the dispatch',
  give_back: 'requeue',
  given_back: 'requeued',
  astray: 'orphaned',
  unbegun: 'prefetched',
  patience: 'wait budget',
  keep_runner: 'supervisor',
  kept_runner: 'supervisor',
  own_tasks: 'built-in tasks',
  settle: 'unblock dependents',
  gather: 'batcher',
  gathers: 'batcher',
  gathered: 'batched',
  executable: 'registered handler',
  executables: 'registered handlers',
  stir: 'wake',
  stirs: 'wakes',
  door: 'route, or way in',
  doors: 'routes, or ways in',
  anew: 'again',
};

/** Names that say nothing: of files, folders and what the code declares. */
const EMPTY = ['manager', 'managers', 'util', 'utils', 'helper', 'helpers', 'common', 'misc'];

/** Where a replaced word means something else, or stands on purpose. */
const EXCEPTIONS: { word: string; file: RegExp; reason: string }[] = [
  { word: 'executable', file: /^embedded\/reachable\.ts$/, reason: 'the mode of a file' },
  {
    word: 'executable',
    file: /^(test\/system\/browser\/chromium|bench\/dashboard\/browser)\.ts$/,
    reason: 'the option of Playwright for the path of a browser',
  },
];

/** This test, what was released, what tools write, and what others wrote. */
const NOT_OURS =
  /^(test\/system\/docs\/glossary\.test\.ts|released\/|package-lock\.json|findings\/|bench\/peers\/|test\/client\/generator\/)/;
const CODE = projectFiles(ROOT).filter(
  (file) => /\.(ts|js|mjs|sql|ya?ml)$/.test(file) && !NOT_OURS.test(file),
);

/** The words of a text as they are compared: `giveBack` and `GIVE_BACK` are `give_back`. */
function wordsOf(text: string): string[] {
  return (text.match(/[A-Za-z][A-Za-z0-9_]*/g) ?? []).map((word) =>
    word.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase(),
  );
}

/** The first replaced word that a word is made of, if any. */
function replacedIn(word: string): string | undefined {
  const parts = `_${word}_`;
  return Object.keys(REPLACED).find((replaced) => parts.includes(`_${replaced}_`));
}

function isException(word: string, file: string): boolean {
  return EXCEPTIONS.some((exception) => exception.word === word && exception.file.test(file));
}

/** Where replaced words stand, as «file: word, say …». */
function replacedWordsOf(file: string): string[] {
  const found = new Set(wordsOf(`${file}\n${documentText(file)}`).map(replacedIn));
  return [...found]
    .filter((word) => word !== undefined && !isException(word, file))
    .map((word) => `${file}: ${word}, say ${REPLACED[word ?? '']}`);
}

test.each([
  ['the code', CODE],
  ['the documents', DOCUMENTS],
])('%s uses no word that the glossary has replaced', (_name, files) => {
  expect(files.flatMap(replacedWordsOf)).toEqual([]);
});

test('each exception is needed', () => {
  const needed = ({ word, file }: (typeof EXCEPTIONS)[number]): boolean =>
    [...CODE, ...DOCUMENTS].some(
      (name) => file.test(name) && wordsOf(documentText(name)).map(replacedIn).includes(word),
    );
  expect(EXCEPTIONS.filter((exception) => !needed(exception))).toEqual([]);
});

/** Names that libraries gave. */
const GIVEN = ['WorkerUtils', 'utils', 'Util'];
const DECLARED = /\b(?:const|let|function|class|type|interface|table|column|function errand\.)\s+(\w+)/g;

test('no file, folder, table, function or constant has a name that says nothing', () => {
  const isEmpty = (name: string): boolean =>
    wordsOf(name).some((word) => EMPTY.some((empty) => word.split('_').includes(empty)));
  const declared = CODE.filter((file) => /\.(ts|sql)$/.test(file)).flatMap((file) =>
    [...documentText(file).matchAll(DECLARED)]
      .map(([, name = '']) => name)
      .filter((name) => isEmpty(name) && !GIVEN.includes(name))
      .map((name) => `${file}: ${name}`),
  );
  expect([...CODE.filter(isEmpty), ...declared]).toEqual([]);
});

test('bounds are called MAX_ and MIN_', () => {
  const bounds = CODE.filter((file) => file.endsWith('.ts')).flatMap((file) =>
    [...documentText(file).matchAll(/\b(?:MOST|LEAST)_\w+/g)].map(([bound]) => `${file}: ${bound}`),
  );
  expect(bounds).toEqual([]);
});

const glossary = tableRows(section(documentText('docs/architecture.md'), 'Glossary'));

test('every word of the glossary is in the code, where it says', () => {
  const rooms = globSync('{core,store,runner,api,process,tasks,migrations}/**/*.{ts,sql}', { cwd: ROOT });
  const names = new Set(
    rooms.flatMap((file) => `${file}\n${documentText(file)}`.match(/[A-Za-z]\w*/g) ?? []),
  );
  expect(glossary.length).toBeGreaterThan(25);
  const missing = glossary.filter(([, , name = '']) => !names.has(name.replaceAll('`', '')));
  expect(missing).toEqual([]);
});

test('every word of the glossary stands once, with one line', () => {
  const words = glossary.map(([word]) => word);
  expect(words).toEqual([...new Set(words)]);
  expect(glossary.filter(([, meaning = '']) => meaning.length === 0 || meaning.length > 140)).toEqual([]);
});
