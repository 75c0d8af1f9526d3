import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { buildOpenApi } from '../../../../api/openapi/build.ts';
import { answerOf, operationsOf, placeOfAnswer } from '../../../../api/openapi/schemas/document.ts';
import { toYaml } from '../../../../api/openapi/yaml.ts';
import { STATUS_BY_CODE } from '../../../../core/errors.ts';
import { defineTask } from '../../../../core/task.ts';
import { definitions } from '../../../../tasks/index.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', '..', '..', 'openapi.yaml'), 'utf8');
const document = buildOpenApi(definitions);

const STATUSES = [200, 201, 202, ...new Set<number>(Object.values(STATUS_BY_CODE))];

type Node = { [key: string]: unknown };

/** Every schema of the document, with its path. */
function schemas(node: unknown, path = '#', isSchema = false): [string, unknown][] {
  if (typeof node !== 'object' || node === null) return isSchema ? [[path, node]] : [];
  const below = Object.entries(node).flatMap(([key, child]): [string, unknown][] => {
    const at = `${path}/${key}`;
    if (key === 'example' || key === 'examples' || key === 'enum' || key === 'default') return [];
    const holdsSchemas = [
      'properties',
      'schemas',
      'patternProperties',
      '$defs',
      'allOf',
      'oneOf',
      'anyOf',
      'prefixItems',
    ];
    if (holdsSchemas.includes(key) && typeof child === 'object' && child !== null) {
      return Object.entries(child).flatMap(([name, one]) => schemas(one, `${at}/${name}`, true));
    }
    return schemas(
      child,
      at,
      key === 'schema' || (isSchema && ['items', 'additionalProperties', 'not', 'contains'].includes(key)),
    );
  });
  return isSchema ? [[path, node], ...below] : below;
}

test('openapi.yaml is what the definitions give: run `npm run openapi` when this fails', () => {
  expect(text).toBe(toYaml(document));
  expect(parse(text)).toEqual(JSON.parse(JSON.stringify(document)));
});

test('it is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(parse(text));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe('3.1');
});

test('no schema in it is empty, or just true, but where anything more is meant by additionalProperties', () => {
  const all = schemas(document);
  expect(all.length).toBeGreaterThan(200);
  const empty = all.filter(([path, schema]) => {
    if (typeof schema === 'boolean') return !path.endsWith('/additionalProperties');
    const keys = Object.keys(schema as Node).filter((key) => key !== 'description' && key !== 'default');
    return keys.length === 0;
  });
  expect(empty).toEqual([]);
});

test('every reference leads to a component, and every component is referred to', () => {
  const references = [...text.matchAll(/\$ref: "#\/components\/([^"\n]+)"/g)].map((match) => match[1] ?? '');
  expect(references.length).toBeGreaterThan(200);
  const { securitySchemes: _, ...components } = document.components;
  const known = Object.entries(components).flatMap(([kind, some]) =>
    Object.keys(some).map((name) => `${kind}/${name}`),
  );
  expect([...new Set(references)].sort()).toEqual(known.sort());
});

test('what several operations have is in the document once', () => {
  const shared = operationsOf(document).flatMap(({ parameters = [], responses }) => [
    ...parameters,
    ...Object.entries(responses).flatMap(([status, answer]) => (Number(status) < 400 ? [] : [answer])),
  ]);
  // Why a process is not ready is no error, and both paths that tell of it have the same answer.
  const written = shared.filter((one) => !('$ref' in one)).map((one) => JSON.stringify(one));
  expect(written.filter((one) => one.includes('schemas/Error'))).toEqual([]);
  const others = written.filter((one) => !one.includes('schemas/Readiness'));
  expect(new Set(others).size).toBe(others.length);
});

test('a task adds some three kB to it with a payload of one', () => {
  const tasks = [1, 2].map((number) =>
    defineTask({
      name: `size.task_${number}`,
      version: '1.0.0',
      description: 'For this test',
      payload: z.object(
        Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`field_${at}`, z.string().max(100)])),
      ),
      result: z.object({ sent: z.boolean() }),
      example: Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`field_${at}`, 'a'])),
    }),
  );
  const sizes = [tasks.slice(0, 1), tasks].map((some) => toYaml(buildOpenApi(some)).length);
  expect((sizes[1] ?? 0) - (sizes[0] ?? 0)).toBeLessThan(3_000);
});

test('operation ids are identifiers, and each is used once', () => {
  const ids = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .map(({ operationId }) => operationId);
  for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z0-9]*$/);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual(
    expect.arrayContaining([
      'listTasks',
      'submitTask',
      'getTask',
      'retryTask',
      'submitExampleEcho',
      'submitExampleEchoBatch',
      'submitTextCountWords',
      'getHealth',
    ]),
  );
});

test('component names are what OpenAPI allows', () => {
  for (const name of Object.keys(document.components.schemas)) expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
});

test('every operation has a summary, a tag, a success, and errors in the one shape', () => {
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const where = `${method} ${path}`;
      expect(operation.summary, where).toMatch(/./);
      expect(operation.tags, where).toHaveLength(1);
      const statuses = STATUSES.filter(
        (status) => placeOfAnswer(document, [path, method], status) !== undefined,
      );
      expect(
        statuses.some((status) => status < 300),
        where,
      ).toBe(true);
      // It reads nothing that could break.
      const broken = path === '/v1/principal' ? [] : [500];
      expect(statuses, where).toEqual(
        expect.arrayContaining(path.startsWith('/v1/') ? [...broken, 503] : [500]),
      );
      for (const status of statuses.filter((one) => one >= 400 && !(one === 503 && path.endsWith('ready')))) {
        expect(answerOf(document, [path, method], status), where).toMatchObject({
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        });
      }
      if (operation.requestBody !== undefined) {
        expect(statuses, where).toEqual(expect.arrayContaining([400, 413, 415]));
      }
    }
  }
});

test('the codes of the document are the codes there are', () => {
  const { properties } = document.components.schemas.Error as { properties: { code: { enum: string[] } } };
  expect(properties.code.enum).toEqual(Object.keys(STATUS_BY_CODE));
});
