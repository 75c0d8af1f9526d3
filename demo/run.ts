import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { submitBatch, type TaskRecord } from './api.ts';
import { finishedTasks } from './follow.ts';
import { showProgress } from './progress.ts';
import { count, type Totals, total } from './text.ts';

const TASK = 'text.count_words';

const countSchema = z.object({ words: z.int(), characters: z.int(), longest_word: z.string() });

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** What was recorded for one paragraph after another. */
export type Run = { records: TaskRecord[]; created: number; duplicates: number };

/**
 * Submits every paragraph in one request, waits until the pool has worked through them, and shows what was
 * recorded. Throws when a task did not succeed or the recorded totals are not those of the text.
 */
export async function run(url: string, paragraphs: string[]): Promise<Run> {
  const begun = performance.now();
  const payloads = paragraphs.map((text) => ({ text }));
  const { ids, created, duplicates } = await submitBatch(url, TASK, payloads);
  const tookMs = performance.now() - begun;
  console.log(
    `  One request submitted ${number.format(ids.length)} tasks in ${number.format(tookMs)} ms: ${created} new, ${duplicates} known already.`,
  );
  const different = [...new Set(ids)];
  const progress = showProgress(different.length);
  const byId = await finishedTasks(url, different, progress.step).finally(progress.end);
  const seconds = (performance.now() - begun) / 1_000;
  const records = ids.map((id) => recordOf(byId, id));
  const totals = total(records.map(countOf));
  checkTotals(totals, total(paragraphs.map(count)));
  show(totals, seconds);
  return { records, created, duplicates };
}

/**
 * Throws unless the second run met the tasks of the first, all of them, and nothing was executed again.
 */
export function checkSecond(first: Run, second: Run): void {
  if (second.created !== 0 || second.duplicates !== first.records.length) {
    throw new Error(
      `Of the second submission ${second.created} were new and ${second.duplicates} of ${first.records.length} known: all should have been known`,
    );
  }
  for (const [index, before] of first.records.entries()) {
    const after = second.records[index];
    if (!isDeepStrictEqual(before, after)) {
      throw new Error(
        `Task ${before.id} changed with the second submission:\n${JSON.stringify(before)}\n${JSON.stringify(after)}`,
      );
    }
  }
}

function recordOf(byId: Map<string, TaskRecord>, id: string): TaskRecord {
  const record = byId.get(id);
  if (record?.state === 'succeeded') return record;
  throw new Error(`Task ${id} is ${record?.state}: ${record?.error?.message ?? 'no error recorded'}`);
}

function countOf(record: TaskRecord): z.output<typeof countSchema> {
  return countSchema.parse(record.result);
}

function checkTotals(recorded: Totals, counted: Totals): void {
  if (isDeepStrictEqual(recorded, counted)) return;
  throw new Error(
    `The recorded results are not those of the text:\n  recorded ${JSON.stringify(recorded)}\n  counted  ${JSON.stringify(counted)}`,
  );
}

function show({ paragraphs, words, characters, longest_word }: Totals, seconds: number): void {
  const rows: [string, string][] = [
    ['paragraphs', number.format(paragraphs)],
    ['words', number.format(words)],
    ['characters', number.format(characters)],
    ['longest word', longest_word],
    ['elapsed', `${seconds.toFixed(2)} s, from the submission to the last result read back`],
    ['paragraphs/s', number.format(paragraphs / seconds)],
  ];
  for (const [label, value] of rows) console.log(`  ${label.padEnd(13)} ${value}`);
}
