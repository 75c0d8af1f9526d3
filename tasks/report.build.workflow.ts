import { z } from 'zod';
import { targetUrl } from '../core/target_url.ts';
import { defineWorkflow, step } from '../core/workflow.ts';
import { httpRequest } from './http.request.task.ts';
import { countWords } from './text.count_words.task.ts';

const count = z.int().min(0);

const page = z.strictObject({
  url: z.string().describe('Where it is'),
  words: count.describe('0 when it is no text'),
  characters: count.describe('0 when it is no text'),
  longest_word: z.string().describe('The first of the longest ones, empty when it is no text'),
  truncated: z.boolean().describe('Whether the page goes on beyond the 256 KiB that were counted'),
});

const report = z.strictObject({
  title: z.string().describe('As it was given'),
  pages: z.array(page).describe('Most words first'),
  total: z.strictObject({ pages: count, words: count, characters: count }).describe('Of all pages together'),
});

/** What of a list of pages was counted, and where the report went. */
export const buildReport = defineWorkflow({
  name: 'report.build',
  version: '1.0.0',
  description: 'Fetches pages side by side, counts their words, and delivers a report of them if wanted.',
  payload: z.strictObject({
    urls: z
      .array(targetUrl.describe('A page'))
      .min(1)
      .max(20)
      .describe('The pages, `http` or `https`. What `http.request` refuses as a target is refused here, too'),
    title: z.string().min(1).max(200).describe('What stands above the report'),
    language: countWords.payload.shape.language,
    deliver_to: targetUrl.optional().describe('Where the report is sent by POST, as JSON'),
    failed_to: targetUrl
      .optional()
      .describe('Where it is told by POST, as JSON, that the report failed, and of which step'),
  }),
  result: report.extend({
    delivered: z.int().nullable().describe('The status that `deliver_to` answered; null without it'),
  }),
  steps: {
    fetch: step({ map: httpRequest }),
    count: step({ after: ['fetch'], map: countWords }),
    combine: step({ after: ['fetch', 'count'], result: report, policy: { maxAttempts: 3 } }),
    deliver: step({ after: ['combine'], conditional: true, run: httpRequest }),
  },
  onFailure: step({ policy: { maxAttempts: 3 } }),
  // The same pages another time are another report.
  policy: { dedup: { strategy: 'none' }, maxAttempts: 3 },
  example: {
    urls: ['https://www.example.com/', 'https://www.example.org/'],
    title: 'Examples',
    deliver_to: 'https://reports.example.com/inbox',
  },
});
