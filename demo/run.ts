import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { submitBatch, type TaskRecord } from './api.ts';
import { finishedTasks } from './follow.ts';
import { showProgress } from './progress.ts';
import { count, type Totals, total } from './text.ts';

const TASK = 'text.count_words';

const countSchema = z.object({ words: z.int(), characters: z.int(), longest_word: z.string() });

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** The records of the paragraphs, in order. */
export type Run = { records: TaskRecord[]; created: number; duplicates: number };

/**
 * Submits every paragraph in one request, waits until all tasks have ended, and shows the recorded
 * results. Throws if a task did not succeed, or if the recorded totals differ from a count of the
 * text.
 */
export async function run(url: string, paragraphs: string[]): Promise<Run> {
  const startedAt = performance.now();
  const payloads = paragraphs.map((text) => ({ text }));
  const { ids, created, duplicates } = await submitBatch(url, TASK, payloads);
  const tookMs = performance.now() - startedAt;
  console.log(
    `  One request submitted ${number.format(ids.length)} tasks in ${number.format(tookMs)} ms: ${created} new, ${duplicates} already known.`,
  );
  const different = [...new Set(ids)];
  const progress = showProgress(different.length);
  const byId = await finishedTasks(url, different, progress.step).finally(progress.end);
  const records = ids.map((id) => recordOf(byId, id));
  const totals = total(records.map(countOf));
  checkTotals(totals, total(paragraphs.map(count)));
  show(totals, secondsOf(records));
  return { records, created, duplicates };
}

/** Throws unless the second run found all tasks of the first, and nothing was executed again. */
export function checkSecond(first: Run, second: Run): void {
  if (second.created !== 0 || second.duplicates !== first.records.length) {
    throw new Error(
      `In the second submission ${second.created} tasks were new and ${second.duplicates} of ${first.records.length} were known: all should have been known`,
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

/**
 * The time from the first start to the last end, as recorded. The time of this client would be
 * wrong: it reads at a limited rate, and an earlier run may have executed the tasks.
 */
function secondsOf(records: TaskRecord[]): number {
  const times = (of: (record: TaskRecord) => string | null): number[] =>
    records.map((record) => Date.parse(of(record) ?? '')).filter((time) => !Number.isNaN(time));
  const ms =
    Math.max(...times((record) => record.finished_at)) - Math.min(...times((record) => record.started_at));
  return Math.max(ms, 1) / 1_000;
}

function countOf(record: TaskRecord): z.output<typeof countSchema> {
  return countSchema.parse(record.result);
}

function checkTotals(recorded: Totals, counted: Totals): void {
  if (isDeepStrictEqual(recorded, counted)) return;
  throw new Error(
    `The recorded results differ from a count of the text:\n  recorded ${JSON.stringify(recorded)}\n  counted  ${JSON.stringify(counted)}`,
  );
}

function show({ paragraphs, words, characters, longest_word }: Totals, seconds: number): void {
  const rows: [string, string][] = [
    ['paragraphs', number.format(paragraphs)],
    ['words', number.format(words)],
    ['characters', number.format(characters)],
    ['longest word', longest_word],
    ['elapsed', `${seconds.toFixed(2)} s, from the first start to the last end, as recorded`],
    ['paragraphs/s', number.format(paragraphs / seconds)],
  ];
  for (const [label, value] of rows) console.log(`  ${label.padEnd(13)} ${value}`);
}
