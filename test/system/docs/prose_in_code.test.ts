import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../support/checkout/documents.ts';

/** The rooms whose comments, docstrings and messages must be in plain English. */
const ROOMS = [
  ...['api', 'core', 'client', 'config', 'process', 'embedded', 'runner', 'store', 'tasks'],
  ...['bench', 'cli', 'demo', 'test/support', '.ci'],
];

/** Phrases that a newcomer stumbles over, each with the plain one. */
const BANNED: [phrase: RegExp, instead: string][] = [
  [/\banew\b/i, 'again, or new'],
  [/\bwhoever\b/i, 'the caller, everybody who'],
  [/\bcan not\b/i, 'cannot'],
  [/\b(?:is|are|was|were|be|been) told\b/i, 'gets, receives, is notified'],
  [/\btells?\b/i, 'reports, sends, shows'],
  [/\bof (?:its|his|her|their|our|one's|Errand's) own\b/i, 'its own …, separate'],
  [/\bthat (?:is|are) none\b/i, 'that is not a …'],
  [/\bwhat (?:is|are) no\b/i, 'a value that is not …'],
  [/\bthat there (?:is|are) not\b/i, 'that does not exist, unknown'],
  [/\bwhole\b/i, 'entire, complete'],
  [/\bdoor\b|\bstirs?\b|\bastray\b|\bpatience\b|\bheeds?\b/i, 'the word of docs/architecture.md'],
  [/\brings?\b/i, 'dispatch'],
  [/\bg(?:ive|ives|iven|ave) (?:it |them |tasks )?back\b/i, 'requeue, return'],
  [/\bunder way\b|\bbegun\b/i, 'running, started'],
  [/\bwhat (?:becomes|became|comes|came) of\b/i, 'the outcome of'],
  [/\bheard of\b|\bhears of\b/i, 'is notified of'],
  [/(?:^|[.!?:;] |- )(?:Who|What|Whatever)\b(?! to do\b)[^?]*$/, 'a noun as the subject'],
];

type Prose = { line: number; text: string };

/** A comment, an expression (which is skipped), or a text. Strings end at their line, so a wrong guess stays small. */
const TOKENS =
  /(?<comment>\/\*[\s\S]*?\*\/|\/\/.*)|(?<=[(=,:[!&|?{};>]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;

/** The comments of a file, and its texts that contain a blank. */
function proseOf(source: string): Prose[] {
  return [...source.matchAll(TOKENS)].flatMap(({ 0: token, index, groups }) => {
    if (groups?.comment === undefined && token.startsWith('/')) return [];
    const text = groups?.comment === undefined ? token.slice(1, -1) : withoutMarks(token);
    if (!text.trim().includes(' ')) return [];
    return [{ line: source.slice(0, index).split('\n').length, text: text.trim() }];
  });
}

/** A comment without its marks and without code in backticks, on one line. */
function withoutMarks(comment: string): string {
  return comment
    .replace(/^\/\*\*?|\*\/$/g, '')
    .replaceAll(/^\s*(?:\/\/|\*)/gm, '')
    .replaceAll(/`[^`]*`/g, '`…`')
    .replaceAll(/\s+/g, ' ');
}

test.each(ROOMS)('%s says it in plain English', (room) => {
  const files = globSync(`${room}/**/*.ts`, { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**'] });
  expect(files.length).toBeGreaterThan(0);
  const wrong = files.flatMap((file) =>
    proseOf(readFileSync(join(ROOT, file), 'utf8')).flatMap(({ line, text }) =>
      BANNED.flatMap(([phrase, instead]) => {
        const [words] = phrase.exec(text) ?? [];
        return words === undefined ? [] : [`${file}:${line} says "${words.slice(0, 40)}": write ${instead}`];
      }),
    ),
  );
  expect(wrong).toEqual([]);
});
