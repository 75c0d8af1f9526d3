import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { buildOpenApi } from '../../api/openapi/build.ts';
import { definitions } from '../../tasks/index.ts';
import { ROOT } from '../docs/documents.ts';
import { removeScratch, scratchFolder } from '../embedded/scratch.ts';
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

/** What the compiler has against these programs, which are beside the generated types. */
function compile(...programs: string[]): string[] {
  for (const file of readdirSync(folder)) if (file.startsWith('program')) rmSync(join(folder, file));
  for (const [index, text] of programs.entries()) writeFileSync(join(folder, `program${index}.ts`), text);
  return generators.compile(folder);
}

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

test('a program with a payload that fits compiles, and one with another payload does not', () => {
  expect(compile(program(`{ text: 'Call me Ishmael.', language: 'en' }`), program(`{ text: 'a' }`))).toEqual(
    [],
  );
  expect(compile(program('{ text: 7 }'), program(`{ texts: 'a' }`), program('{}'))).toEqual([
    expect.stringContaining(`Type 'number' is not assignable to type 'string'`),
    expect.stringContaining(`'texts' does not exist`),
    expect.stringContaining(`Property 'text' is missing`),
  ]);
});

test('every task has an operation of its own in it', () => {
  const { paths } = buildOpenApi(definitions);
  const ids = definitions.map(({ name }) => paths[`/v1/tasks/${name}`]?.post?.operationId);
  const uses = ids.map((id) => `export type ${id} = operations['${id}'];`).join('\n');
  expect(compile(`import type { operations } from './errand.ts';\n${uses}`)).toEqual([]);
});

test('the records of the client have just the fields that the API answers with', () => {
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
  expect(
    compile(`
      import type { components } from './errand.ts';
      import type * as records from '${join(ROOT, 'client', 'index.ts')}';
      type Camel<Name extends string> = Name extends \`\${infer First}_\${infer Rest}\`
        ? \`\${First}\${Capitalize<Camel<Rest>>}\`
        : Name;
      type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : Exclude<B, A>) : Exclude<A, B>;
      ${same.join('\n')}`),
  ).toEqual([]);
});
