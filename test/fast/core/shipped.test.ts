import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { parsePayload } from '../../../core/payload.ts';
import type { JsonSchema } from '../../../core/schema.ts';
import type { TaskDefinition } from '../../../core/task.ts';
import { isWorkflow, type WorkflowDefinition } from '../../../core/workflow.ts';
import { handlers, loadHandler } from '../../../tasks/handlers.ts';
import { definitions, loadRegistry, ownDefinitions } from '../../../tasks/index.ts';

const TASKS = join(import.meta.dirname, '..', '..', '..', 'tasks');
/** As paths below tasks/: definitions may stand in a folder. */
const FILES = readdirSync(TASKS, { recursive: true, encoding: 'utf8' });
const all: readonly TaskDefinition[] = definitions;

/** Every schema in a schema, with where it is. */
function schemasIn(schema: JsonSchema, at = '#'): [string, JsonSchema][] {
  const children = ['properties', 'patternProperties'].flatMap((keyword) =>
    Object.entries((schema[keyword] ?? {}) as Record<string, JsonSchema>).map(
      ([key, child]): [string, JsonSchema] => [`${at}/${key}`, child],
    ),
  );
  const lists = ['anyOf', 'oneOf', 'allOf', 'prefixItems'].flatMap((keyword) =>
    ((schema[keyword] ?? []) as JsonSchema[]).map((child): [string, JsonSchema] => [
      `${at}/${keyword}`,
      child,
    ]),
  );
  const single = ['items', 'additionalProperties'].flatMap((keyword): [string, JsonSchema][] => {
    const child = schema[keyword];
    return typeof child === 'object' && child !== null ? [[`${at}/${keyword}`, child as JsonSchema]] : [];
  });
  const below = [...children, ...lists, ...single].flatMap(([place, child]) => schemasIn(child, place));
  return [[at, schema], ...below];
}

const MEANS_SOMETHING = ['type', 'enum', 'const', 'anyOf', 'oneOf', 'allOf', 'not'];

/** What a definition is in, and what the code is in that runners load for it: beside it. */
function filesOf(definition: TaskDefinition): { definition: string; code: string } {
  const { name } = definition;
  const [kind, code] = isWorkflow(definition) ? ['workflow', 'steps'] : ['task', 'handler'];
  const file = FILES.find((one) => basename(one) === `${name}.${kind}.ts`) ?? `${name}.${kind}.ts`;
  return { definition: file, code: join(dirname(file), `${name}.${code}.ts`) };
}

describe.each(all.map((definition) => ({ definition, name: definition.name })))('$name', ({ definition }) => {
  test('has no schema that accepts anything, at any depth (T3)', () => {
    const { payloadJsonSchema, resultJsonSchema, graph } = definition;
    const results = [
      resultJsonSchema,
      ...(graph?.steps ?? []).map((step) => step.definition.resultJsonSchema),
    ];
    for (const schema of [payloadJsonSchema, ...results.filter((one) => one !== undefined)]) {
      for (const [at, part] of schemasIn(schema)) {
        expect([at, Object.keys(part).some((keyword) => MEANS_SOMETHING.includes(keyword))]).toEqual([
          at,
          true,
        ]);
      }
    }
    expect(payloadJsonSchema).toMatchObject({ type: 'object', additionalProperties: false });
  });

  test('its example is accepted by its JSON Schema and by itself', async () => {
    const ajv = formats.default(new Ajv2020({ strictTypes: false }));
    const validate = ajv.compile(definition.payloadJsonSchema);
    expect([validate(definition.example), validate.errors]).toEqual([true, null]);
    expect(await parsePayload(definition, definition.example, '')).toMatchObject({ ok: true });
  });

  test('it is defined in a file of its name, with its code beside it', () => {
    const files = filesOf(definition);
    expect(definition.file.slice(-files.definition.length - 7)).toBe(`/tasks/${files.definition}`);
    expect(FILES).toContain(files.code);
  });

  test('every field that a caller fills has a description', () => {
    const fields = definition.payloadJsonSchema.properties as Record<string, JsonSchema>;
    for (const [field, schema] of Object.entries(fields)) {
      expect([field, schema.description]).toEqual([field, expect.stringMatching(/\w+/)]);
    }
    expect(definition.description).toMatch(/\w+ \w+/);
  });
});

test.each(all.filter((definition) => !isWorkflow(definition)))(
  'the handler of $name loads',
  async ({ name }) => {
    expect(await loadHandler(name)).toBeTypeOf('function');
  },
);

describe.each(all.filter(isWorkflow))('the workflow $name', (workflow) => {
  test('has code for each step, the output and the failure that it speaks of, and none besides', async () => {
    const { steps, ...rest } = (await loadHandler(workflow.name)) as {
      steps: Record<string, Record<string, unknown>>;
    };
    expect(Object.keys(rest).toSorted()).toEqual([
      ...(workflow.onFailure === undefined ? [] : ['onFailure']),
      ...(workflow.result === undefined ? [] : ['output']),
    ]);
    expect(Object.entries(steps).map(([step, code]) => [step, Object.keys(code).toSorted()])).toEqual(
      codeOf(workflow),
    );
    for (const code of [rest, ...Object.values(steps)])
      for (const part of Object.values(code)) expect(part).toBeTypeOf('function');
  });

  test('tries its steps a few times, not for hours, but for those that are other tasks', () => {
    // One that somebody adds may be as patient as he wants.
    if (!['example', 'report'].includes(workflow.namespace)) return;
    for (const { definition, kind } of workflow.graph.steps)
      if (kind === 'handler') expect(definition.policy.maxAttempts).toBeLessThanOrEqual(3);
    expect(workflow.policy.maxAttempts).toBeLessThanOrEqual(3);
  });

  test('its steps run and map nothing but what is shipped', () => {
    const children = workflow.graph.steps.flatMap(({ child }) => (child === null ? [] : [child]));
    for (const child of children) expect(all).toContain(child);
  });
});

/** What the code of each step has to have. */
function codeOf({ graph, onFailure }: WorkflowDefinition): [string, string[]][] {
  const steps = onFailure === undefined ? graph.steps : graph.steps.slice(0, -1);
  return steps.map(({ step, kind, conditional }) => {
    const work = { handler: 'handler', run: 'payload', map: 'payloads' }[kind];
    return [step, conditional ? [work, 'when'] : [work]];
  });
}

test('every file of a definition is in both lists, and nothing else is', () => {
  const inFiles = FILES.filter((file) => /\.(task|workflow)\.ts$/.test(file));
  const own = ownDefinitions.map(filesOf).map(({ definition }) => definition);
  const shipped = all.map(filesOf);
  expect([...own, ...shipped.map(({ definition }) => definition)].toSorted()).toEqual(inFiles.toSorted());
  expect(Object.keys(handlers).toSorted()).toEqual(all.map(({ name }) => name).toSorted());
  const code = FILES.filter((file) => /\.(handler|steps)\.ts$/.test(file));
  expect(shipped.map((files) => files.code).toSorted()).toEqual(code.toSorted());
});

test('no step has the name of a task', () => {
  const names = all.flatMap(({ name, graph }) => [
    name,
    ...(graph?.steps ?? []).map(({ definition }) => definition.name),
  ]);
  expect(names).toHaveLength(new Set(names).size);
});

test('a name without a handler is an error that names it', async () => {
  for (const name of ['no.such_task', 'toString'])
    await expect(loadHandler(name)).rejects.toThrow(`"${name}"`);
});

test('no definition imports what is for runners: the API would run its code', () => {
  for (const definition of all) {
    const text = readFileSync(join(TASKS, filesOf(definition).definition), 'utf8');
    expect(text).not.toMatch(/\.(handler|steps)\.ts'/);
  }
});

test('production does not have the example tasks (L6), crash least of all', () => {
  const names = (NODE_ENV: string): string[] =>
    loadRegistry({ NODE_ENV }).definitions.map(({ name }) => name);
  expect(names('development')).toEqual(expect.arrayContaining(['example.crash', 'example.mixed']));
  expect(names('production').filter((name) => name.startsWith('example.'))).toEqual([]);
  expect(names('production')).toEqual(expect.arrayContaining(['text.count_words', 'report.build']));
});
