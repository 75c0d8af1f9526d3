import { z } from 'zod';
import { targetUrl } from '../core/network/target_url.ts';
import { defineWorkflow, step } from '../core/workflow.ts';
import { httpRequest } from './http.request.task.ts';
import { countWords } from './text.count_words.task.ts';

const count = z.int().min(0);

const page = z.strictObject({
  url: z.string().describe('The URL of the page'),
  words: count.describe('0 if the page is not text'),
  characters: count.describe('0 if the page is not text'),
  longest_word: z.string().describe('The first of the longest words; empty if the page is not text'),
  truncated: z.boolean().describe('Whether the page is longer than the 256 KiB that were counted'),
});

const report = z.strictObject({
  title: z.string().describe('The title from the payload'),
  pages: z.array(page).describe('The pages, the one with most words first'),
  total: z
    .strictObject({ pages: count, words: count, characters: count })
    .describe('The sums over all pages'),
});

/** The report: the counts of each page, and the delivery. */
export const buildReport = defineWorkflow({
  name: 'report.build',
  version: '1.0.0',
  description: 'Fetches pages in parallel, counts their words, and optionally delivers a report.',
  payload: z.strictObject({
    urls: z
      .array(targetUrl.describe('A page'))
      .min(1)
      .max(20)
      .describe('The pages, `http` or `https`. Targets that `http.request` refuses are refused here too'),
    title: z.string().min(1).max(200).describe('The title of the report'),
    language: countWords.payload.shape.language,
    deliver_to: targetUrl.optional().describe('The URL that the report is sent to by POST, as JSON'),
    failed_to: targetUrl
      .optional()
      .describe('The URL that is notified by POST, as JSON, if the report failed, with the failed steps'),
  }),
  result: report.extend({
    delivered: z
      .int()
      .nullable()
      .describe('The status that `deliver_to` answered; null without `deliver_to`'),
  }),
  steps: {
    fetch: step({ map: httpRequest }),
    count: step({ after: ['fetch'], map: countWords }),
    combine: step({ after: ['fetch', 'count'], result: report, policy: { maxAttempts: 3 } }),
    deliver: step({ after: ['combine'], conditional: true, run: httpRequest }),
  },
  onFailure: step({ policy: { maxAttempts: 3 } }),
  // The same pages at another time make another report.
  policy: { dedup: { strategy: 'none' }, maxAttempts: 3 },
  example: {
    urls: ['https://www.example.com/', 'https://www.example.org/'],
    title: 'Examples',
    deliver_to: 'https://reports.example.com/inbox',
  },
});
