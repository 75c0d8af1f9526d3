import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildOpenApi } from '../../../api/openapi/build.ts';
import { definitions } from '../../../tasks/index.ts';
import { authenticator, makeKey } from '../../fast/api/auth/keys.ts';
import { startApi } from '../../support/api.ts';
import { removeScratch, scratchFolder } from '../../support/checkout/scratch.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { until } from '../../support/until.ts';
import { compile, generate, strictProject } from './generators.ts';

// The three generators that the guide names: what they make of openapi.yaml compiles, has exact types and does the work,
// with authentication on.

const { pool } = await createDatabase();
const { key, entry } = makeKey('generated', { namespaces: ['text'], scopes: ['read', 'submit'] });
const api = await startApi(pool, {
  authenticate: await authenticator({ AUTH_ENABLED: 'true', API_KEYS: JSON.stringify([entry]) }),
});
const { paths } = buildOpenApi(definitions);

type Generator = {
  name: string;
  imports: string;
  /** Submits a text and has what is answered as `answer`, typed. */
  submit: string;
  /** An expression that is typed as a submission of an operation. */
  typed: (operationId: string, submission: string) => string;
};

const GENERATORS: Generator[] = [
  {
    name: 'openapi-typescript',
    imports: `import type { operations } from './errand.js';
      type Submission<Id extends keyof operations> =
        operations[Id] extends { requestBody: { content: { 'application/json': infer Body } } } ? Body : never;
      const submission = <Id extends keyof operations>(id: Id, body: Submission<Id>) => [id, body];`,
    submit: `
      const body: Submission<'submitTextCountWords'> = { payload: { text: 'Call me Ishmael.' }, priority: 5 };
      const response = await fetch(\`\${process.env.ERRAND_URL}/v1/tasks/text.count_words?wait=20\`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': \`\${process.env.ERRAND_KEY}\` },
        body: JSON.stringify(body),
      });
      type Answer = operations['submitTextCountWords']['responses'][201]['content']['application/json'];
      if (!response.ok) throw new Error(await response.text());
      const answer = (await response.json()) as Answer;`,
    typed: (id, submission) => `submission('${id}', ${submission});`,
  },
  {
    name: '@hey-api/openapi-ts',
    imports: `import * as errand from './errand/index.js';
      import { client } from './errand/client.gen.js';`,
    submit: `
      client.setConfig({
        baseUrl: \`\${process.env.ERRAND_URL}\`,
        auth: ({ type }) => (type === 'apiKey' ? process.env.ERRAND_KEY : undefined),
      });
      const { data: answer, error, response } = await errand.submitTextCountWords({
        body: { payload: { text: 'Call me Ishmael.' }, priority: 5 },
        query: { wait: 20 },
      });
      if (answer === undefined) throw new Error(\`\${response?.status} \${error?.code} \${error?.error}\`);`,
    typed: (id, submission) => `errand.${id}({ body: ${submission} });`,
  },
  {
    name: 'orval',
    imports: `import * as errand from './errand.js';`,
    submit: `
      const { status, data: answer } = await errand.submitTextCountWords(
        { payload: { text: 'Call me Ishmael.' }, priority: 5 },
        { wait: 20 },
        { headers: { 'x-api-key': \`\${process.env.ERRAND_KEY}\` } },
      );
      if (status !== 200 && status !== 201) throw new Error(\`\${status} \${answer.code} \${answer.error}\`);`,
    typed: (id, submission) => `errand.${id}(${submission});`,
  },
];

const READ = `
  const result = answer.task.result;
  const words: number | undefined = result?.words;
  const longest: string | undefined = result?.longest_word;
  console.log(JSON.stringify({ words, longest, state: answer.task.state }));`;

/** A submission as text, with one property of its payload replaced if wanted. */
const submission = (payload: object, more = ''): string => {
  const entries = Object.entries(payload).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{ payload: { ${[...entries, more].filter((part) => part !== '').join(', ')} } }`;
};

const tasks = definitions.map(({ name, example, payloadJsonSchema }) => ({
  id: String(paths[`/v1/tasks/${name}`]?.post?.operationId),
  example: example as object,
  fields: Object.keys((payloadJsonSchema.properties ?? {}) as object),
}));

/** One program per line, none of which may compile: what they send is not what the document says. */
function wrongLines({ typed }: Generator): string[] {
  const id = 'submitTextCountWords';
  const text = { text: 'a' };
  return [
    // No JSON has a bigint, so a type that takes one says nothing.
    ...tasks.flatMap(({ id, example, fields }) =>
      fields.map((field) => {
        const others = Object.fromEntries(Object.entries(example).filter(([name]) => name !== field));
        return typed(id, submission(others, `"${field}": 7n`));
      }),
    ),
    ...[submission({ text: 7 }), submission({ texts: 'a' }), submission({}), '{}'].map((it) => typed(id, it)),
    typed(id, `{ ...${submission(text)}, priority: '5' }`),
    typed(id, `{ payload: { text: 'a' }, state: 'open' }`),
    typed('submitHttpRequest', submission({ url: 'https://example.com', method: 'SEND' })),
    'export const words: string | undefined = result?.words;',
    'export const longest: number | undefined = result?.longest_word;',
    'export const shortest = result?.shortest_word;',
    `export const state: 'open' = answer.task.state;`,
  ];
}

describe.each(GENERATORS)('a client that $name makes', (generator) => {
  const folder = scratchFolder(0o755);
  const wrong = wrongLines(generator);
  let errors: string[] = [];

  beforeAll(() => {
    generate(folder, generator.name);
    strictProject(folder, { outDir: 'compiled' });
    const right = tasks.map(({ id, example }) => generator.typed(id, submission(example)));
    writeFileSync(join(folder, 'run.ts'), `${generator.imports}${generator.submit}${READ}`);
    writeFileSync(join(folder, 'right.ts'), `${generator.imports}\n${right.join('\n')}`);
    const before = `${generator.imports}${generator.submit} const result = answer.task.result;`.replaceAll(
      /\n\s*/g,
      ' ',
    );
    writeFileSync(join(folder, 'wrong.ts'), [before, ...wrong].join('\n'));
    errors = compile(folder);
  });
  afterAll(() => removeScratch(folder));

  test('compiles, with the example of every task', () => {
    expect(errors.filter((line) => !line.startsWith('wrong.ts'))).toEqual([]);
  });

  test('takes no payload, option or result of another type', () => {
    const refused = new Set(errors.map((line) => Number(/^wrong\.ts\((\d+),/.exec(line)?.[1])));
    expect(refused.has(1)).toBe(false);
    expect(wrong.filter((_, index) => !refused.has(index + 2))).toEqual([]);
  });

  test('submits a task to the API and reads its result', async () => {
    await startTestRunner(pool);
    const env = { ...process.env, ERRAND_URL: api.url, ERRAND_KEY: key };
    const program = join(folder, 'compiled', 'run.js');
    // The same submission is the same task: a busy machine may need more than one wait.
    const read = await until('the task has succeeded', async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [program], { env });
      const { state, ...result } = JSON.parse(stdout);
      return state === 'succeeded' && result;
    });
    expect(read).toEqual({ words: 3, longest: 'Ishmael' });
  });
});
