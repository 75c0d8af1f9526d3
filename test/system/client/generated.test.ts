import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import { definitions } from '../../../tasks/index.ts';
import { ROOT } from '../../support/checkout/documents.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import * as generators from './generators.ts';

// The types that openapi-typescript makes of openapi.yaml alone, held against what Errand itself knows.

const folder = scratchFolder(0o755);

beforeAll(() => {
  generators.generate(folder, 'openapi-typescript');
  generators.strictProject(folder, {
    noEmit: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
  });
  return () => removeScratch(folder);
});

const program = (payload: string): string => `
  import type { components, operations } from './errand.ts';
  type Submission = operations['submitTextCountWords']['requestBody']['content']['application/json'];
  const submission: Submission = { payload: ${payload}, priority: 5 };
  const response = await fetch('http://localhost:8080/v1/tasks/text.count_words', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(submission),
  });
  type Answer = operations['submitTextCountWords']['responses'][201]['content']['application/json'];
  const { task } = (await response.json()) as Answer;
  const state: components['schemas']['Task']['state'] = task.state;
  console.log(state, task.result?.longest_word);`;

/** Uses the operation of every task. */
function ofEveryTask(): string {
  const { paths } = buildOpenApi(definitions);
  const ids = definitions.map(({ name }) => paths[`/v1/tasks/${name}`]?.post?.operationId);
  const uses = ids.map((id) => `export type ${id} = operations['${id}'];`).join('\n');
  return `import type { operations } from './errand.ts';\n${uses}`;
}

/** Holds the fields of the client's records against those of the API's. */
function withRecords(): string {
  const pairs = [
    ['Task', 'Task'],
    ['TaskSummary', 'TaskSummary'],
    ['TaskRecord', 'TaskRecord'],
    ['TaskError', 'TaskError'],
    ['Attempt', 'Attempt'],
    ['WorkflowNode', 'WorkflowNode'],
    ['Explanation', 'Explanation'],
    ['LogLine', 'LogLine'],
  ];
  const same = pairs.map(
    ([wire, record]) =>
      `export const ${record}: Same<Camel<keyof components['schemas']['${wire}'] & string>, keyof records.${record} & string> = true;`,
  );
  return `
      import type { components } from './errand.ts';
      import type * as records from '${join(ROOT, 'client', 'index.ts')}';
      type Camel<Name extends string> = Name extends \`\${infer First}_\${infer Rest}\`
        ? \`\${First}\${Capitalize<Camel<Rest>>}\`
        : Name;
      type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : Exclude<B, A>) : Exclude<A, B>;
      ${same.join('\n')}`;
}

const PROGRAMS = {
  fits: program(`{ text: 'Call me Ishmael.', language: 'en' }`),
  fits_too: program(`{ text: 'a' }`),
  wrong_type: program('{ text: 7 }'),
  wrong_name: program(`{ texts: 'a' }`),
  lacking: program('{}'),
  every_task: ofEveryTask(),
  records: withRecords(),
};

/** What the compiler has against each program; it sees all of them at once. */
let errors: string[] = [];

beforeAll(() => {
  for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(join(folder, `${name}.ts`), text);
  errors = generators.compile(folder);
});

function errorsOf(name: keyof typeof PROGRAMS): string[] {
  return errors.filter((line) => line.startsWith(`${name}.ts(`));
}

test('a program with a payload that fits compiles, and one with another payload does not', () => {
  expect([errorsOf('fits'), errorsOf('fits_too')]).toEqual([[], []]);
  expect(errorsOf('wrong_type')).toEqual([
    expect.stringContaining(`Type 'number' is not assignable to type 'string'`),
  ]);
  expect(errorsOf('wrong_name')).toEqual([expect.stringContaining(`'texts' does not exist`)]);
  expect(errorsOf('lacking')).toEqual([expect.stringContaining(`Property 'text' is missing`)]);
});

test('every task has an operation of its own in it', () => {
  expect(errorsOf('every_task')).toEqual([]);
});

test('the records of the client have just the fields that the API answers with', () => {
  expect(errorsOf('records')).toEqual([]);
  // Whatever else it may have, it has against those that must not compile.
  expect(errors).toHaveLength(3);
});
