import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { type JsonSchema, parseWith } from '../../core/schema.ts';
import { handlers, loadHandler } from '../../tasks/handlers.ts';
import { definitions, loadRegistry, ownDefinitions } from '../../tasks/index.ts';

const TASKS = join(import.meta.dirname, '..', '..', 'tasks');

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

describe.each(definitions.map((definition) => ({ definition, name: definition.name })))(
  '$name',
  ({ definition }) => {
    test('has no schema that accepts anything, at any depth (T3)', () => {
      const { payloadJsonSchema, resultJsonSchema } = definition;
      for (const schema of [payloadJsonSchema, resultJsonSchema ?? { type: 'null' }]) {
        for (const [at, part] of schemasIn(schema)) {
          expect([at, Object.keys(part).some((keyword) => MEANS_SOMETHING.includes(keyword))]).toEqual([
            at,
            true,
          ]);
        }
      }
      expect(payloadJsonSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(payloadJsonSchema.properties).not.toEqual({});
    });

    test('its example is accepted by its JSON Schema and by itself', async () => {
      const ajv = formats.default(new Ajv2020({ strictTypes: false }));
      const validate = ajv.compile(definition.payloadJsonSchema);
      expect([validate(definition.example), validate.errors]).toEqual([true, null]);
      expect(await parseWith(definition.payload, definition.example, '')).toMatchObject({ ok: true });
    });

    test('its handler loads', async () => {
      expect(await loadHandler(definition.name)).toBeTypeOf('function');
    });

    test('it is defined in a file of its name, with its handler beside it', () => {
      expect(definition.file).toMatch(new RegExp(`/tasks/${definition.name}\\.task\\.ts$`));
      expect(readdirSync(TASKS)).toContain(`${definition.name}.handler.ts`);
    });

    test('every field that a caller fills has a description', () => {
      const fields = definition.payloadJsonSchema.properties as Record<string, JsonSchema>;
      for (const [field, schema] of Object.entries(fields)) {
        expect([field, schema.description]).toEqual([field, expect.stringMatching(/\w+/)]);
      }
      expect(definition.description).toMatch(/\w+ \w+/);
    });
  },
);

test('every task file is in both lists, and nothing else is', () => {
  const files = readdirSync(TASKS).filter((file) => file.endsWith('.task.ts'));
  const inFiles = files.map((file) => file.replace(/\.task\.ts$/, '')).toSorted();
  const [own, shipped] = [ownDefinitions, definitions].map((all) => all.map(({ name }) => name as string));
  expect([...(own ?? []), ...(shipped ?? [])].toSorted()).toEqual(inFiles);
  expect(Object.keys(handlers).toSorted()).toEqual(shipped?.toSorted());
});

test('a name without a handler is an error that names it', async () => {
  for (const name of ['no.such_task', 'toString'])
    await expect(loadHandler(name)).rejects.toThrow(`"${name}"`);
});

test('no definition imports a handler: the API would run its code', () => {
  for (const { name } of definitions) {
    expect(readFileSync(join(TASKS, `${name}.task.ts`), 'utf8')).not.toContain('.handler');
  }
});

test('production does not have the example tasks (L6), crash least of all', () => {
  const names = (NODE_ENV: string): string[] =>
    loadRegistry({ NODE_ENV }).definitions.map(({ name }) => name);
  expect(names('development')).toContain('example.crash');
  expect(names('production').filter((name) => name.startsWith('example.'))).toEqual([]);
  expect(names('production')).toContain('text.count_words');
});
