import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildOpenApi, toYaml } from '../../api/openapi/build.ts';
import { STATUS_BY_CODE } from '../../core/errors.ts';
import { definitions } from '../../tasks/index.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'openapi.yaml'), 'utf8');
const document = buildOpenApi(definitions);

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

test('every reference leads somewhere', () => {
  const references = [...text.matchAll(/\$ref: "?#\/components\/schemas\/([^"\n]+)"?/g)].map(
    (match) => match[1] ?? '',
  );
  expect(references.length).toBeGreaterThan(50);
  const known = Object.keys(document.components.schemas);
  expect(known).toEqual(expect.arrayContaining([...new Set(references)]));
  const unused = known.filter((name) => !references.includes(name));
  expect(unused).toEqual([]);
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
      const statuses = Object.keys(operation.responses).map(Number);
      expect(
        statuses.some((status) => status < 300),
        where,
      ).toBe(true);
      expect(statuses, where).toEqual(expect.arrayContaining(path.startsWith('/v1/') ? [500, 503] : [500]));
      for (const status of statuses.filter((one) => one >= 400 && !(one === 503 && path.endsWith('ready')))) {
        expect(operation.responses[status], where).toMatchObject({
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
