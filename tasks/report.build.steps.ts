import type { SchemaOutput } from '../core/schema.ts';
import { defineSteps } from '../core/workflow.ts';
import { httpRequest } from './http.request.task.ts';
import { buildReport } from './report.build.workflow.ts';

type Answer = SchemaOutput<typeof httpRequest.result>;

const NO_TEXT = { words: 0, characters: 0, longest_word: '' };

export default defineSteps(buildReport, {
  steps: {
    fetch: { payloads: ({ payload }) => payload.urls.map((url) => ({ url })) },
    count: {
      payloads: ({ payload, results }) =>
        results.fetch.filter(isText).map(({ body }) => ({ text: body, language: payload.language })),
    },
    combine: {
      handler: ({ title, urls }, { results }) => {
        // In the order of the pages: pages without text were not counted.
        const counts = results.count.values();
        const pages = results.fetch.map((answer, index) => {
          const counted = isText(answer) ? counts.next().value : undefined;
          return { url: urls[index] ?? '', ...(counted ?? NO_TEXT), truncated: answer.truncated };
        });
        return {
          title,
          pages: pages.toSorted((a, b) => b.words - a.words),
          total: {
            pages: pages.length,
            words: sum(pages.map(({ words }) => words)),
            characters: sum(pages.map(({ characters }) => characters)),
          },
        };
      },
    },
    deliver: {
      when: ({ payload }) => payload.deliver_to !== undefined,
      // `when` has checked that it is set.
      payload: ({ payload, results }) => ({ url: payload.deliver_to ?? '', json: results.combine }),
    },
  },
  output: ({ results }) => ({ ...results.combine, delivered: results.deliver?.status ?? null }),
  onFailure: async ({ title, failed_to }, { failed, log, submit }) => {
    for (const { step, message } of failed) log.error({ step }, `the report ${title} failed: ${message}`);
    if (failed_to !== undefined) await submit(httpRequest, { url: failed_to, json: { title, failed } });
  },
});

function isText({ body, encoding }: Answer): boolean {
  return encoding === 'utf8' && body !== '';
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
