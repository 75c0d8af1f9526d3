import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { contractProblems, type Document } from '../../../.ci/compatibility.ts';
import { type Any, documentOf, OPERATION, object, text } from './contract_documents.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** What a change of the document breaks. */
function after(change: (document: Any, post: Any) => void): string[] {
  const changed = documentOf();
  change(changed, changed.paths['/v1/things/{id}'].post);
  return contractProblems(documentOf(), changed);
}

test.each<[string, (document: Any, post: Any) => void, string]>([
  ['a path', (document) => delete document.paths['/v1/things/{id}'], 'POST /v1/things/{id} is gone'],
  ['an operation', (document) => delete document.paths['/v1/things/{id}'].get, 'GET /v1/things/{id} is gone'],
  ['a success', (_, post) => delete post.responses[200], 'POST /v1/things/{id} 200 is gone'],
  ['a header of it', (_, post) => delete post.responses[200].headers, '200 header Location is gone'],
  [
    'its type',
    (_, post) => Object.assign(post.responses[200], { content: { 'text/html': {} } }),
    '200 does not come as',
  ],
  ['a parameter', (_, post) => post.parameters.splice(1, 1), 'query page is gone'],
  ['a body', (_, post) => delete post.requestBody, 'body is gone'],
  [
    'a type of body',
    (_, post) => Object.assign(post.requestBody, { content: {} }),
    'body is not accepted as application/json',
  ],
  [
    'that a body may be left out',
    (_, post) => Object.assign(post.requestBody, { required: true }),
    'body must be given now',
  ],
  [
    'that a parameter may be left out',
    (_, post) => Object.assign(post.parameters[1], { required: true }),
    'query page must be given now',
  ],
  [
    'calls without a new parameter',
    (_, post) => post.parameters.push({ name: 'b', in: 'query', required: true }),
    'query b must be given now',
  ],
  [
    'values of a parameter',
    (_, post) => Object.assign(post.parameters[1].schema, { maximum: 50 }),
    'query page has maximum 50 now, it was 100',
  ],
  [
    'values of a part of the path',
    (_, post) => Object.assign(post.parameters[0].schema, { pattern: '^0' }),
    'path 1 has pattern',
  ],
  [
    'what an error says',
    (document) => delete document.components.schemas.Error.properties.error,
    '400 body.error is gone',
  ],
  [
    'what all answers have',
    (document) => Object.assign(document.components.schemas.Answer, { required: [] }),
    'body.a may be missing now',
  ],
])('losing %s is a break', (_name, change, problem) => {
  expect(after(change).join('\n')).toContain(problem);
});

test.each<[string, (document: Any, post: Any) => void]>([
  ['a new path', (document) => Object.assign(document.paths, { '/v1/more': { get: OPERATION } })],
  ['a new operation', (document) => Object.assign(document.paths['/v1/things/{id}'], { put: OPERATION })],
  [
    'another name of a part of the path',
    (document, post) => {
      post.parameters[0].name = 'thing';
      document.paths = { '/v1/things/{thing}': document.paths['/v1/things/{id}'] };
    },
  ],
  [
    'an optional parameter',
    (_, post) => post.parameters.push({ name: 'b', in: 'query', schema: { type: 'string' } }),
  ],
  ['a parameter that is optional now', (_, post) => Object.assign(post.parameters[0], { required: false })],
  ['a header in other case', (_, post) => Object.assign(post.parameters[2], { name: 'x-key' })],
  [
    'wider bounds of a parameter',
    (_, post) => Object.assign(post.parameters[1].schema, { minimum: 0, maximum: 200 }),
  ],
  ['a new error', (_, post) => Object.assign(post.responses, { 409: post.responses[400] })],
  ['an error that is gone', (_, post) => delete post.responses[400]],
  ['another success', (_, post) => Object.assign(post.responses, { 202: post.responses[200] })],
  ['another text', (_, post) => Object.assign(post, { description: 'b', summary: 'c' })],
  [
    'a schema written out',
    (document, post) => {
      post.responses[200].content['application/json'].schema = document.components.schemas.Answer;
    },
  ],
])('%s is compatible', (_name, change) => {
  expect(after(change)).toEqual([]);
});

test('a schema that contains itself is compared to its end', () => {
  const tree = (leaf: object): object =>
    object({ leaf, branches: { type: 'array', items: { $ref: '#/components/schemas/Answer' } } });
  const before = documentOf();
  before.components.schemas.Answer = tree(text);
  const now = documentOf();
  now.components.schemas.Answer = tree({ type: ['string', 'null'] });
  expect(contractProblems(before, before)).toEqual([]);
  expect(contractProblems(before, now)).toContain('POST /v1/things/{id} 200 body.leaf may be null now');
});

test.each([
  ['1.2.0', '1.2.1', false],
  ['1.2.0', '1.3.0', false],
  ['1.2.0', '2.0.0', true],
  ['0.1.0', '0.1.1', false],
  ['0.1.9', '0.2.0', true],
  ['0.9.0', '1.0.0', true],
  ['2.0.0', '1.0.0', false],
  ['0.2.0', '0.1.0', false],
])('whether %s may be broken by %s: %s', (before, now, isFree) => {
  const broken = { info: { version: now }, paths: {} };
  expect(contractProblems(documentOf(before), broken)).toHaveLength(isFree ? 0 : 2);
});

test('a version that is none is refused', () => {
  expect(() => contractProblems(documentOf('next'), documentOf())).toThrow('"next" is not a version');
});

test('every operation of the released document is compared', () => {
  const released = parse(readFileSync(join(ROOT, 'released', 'openapi.yaml'), 'utf8')) as Document;
  const count = Object.values(released.paths).flatMap(Object.keys).length;
  expect(contractProblems(released, released)).toEqual([]);
  expect(contractProblems(released, { ...released, paths: {} })).toHaveLength(count);
});

/** The same document with its parameters, headers, bodies, answers and paths in the components. */
function inComponents(document: Any): Any {
  const path = document.paths['/v1/things/{id}'];
  const { post } = path;
  const [id, ...others] = post.parameters;
  document.components.parameters = { Id: id };
  document.components.requestBodies = { Thing: post.requestBody };
  document.components.responses = { 'Got.it': post.responses[200], Bad: post.responses[400] };
  document.components.pathItems = { Things: path };
  post.parameters = [{ $ref: '#/components/parameters/Id' }, ...others];
  post.requestBody = { $ref: '#/components/requestBodies/Thing' };
  post.responses = {
    200: { $ref: '#/components/responses/Got.it' },
    '4XX': { $ref: '#/components/responses/Bad' },
  };
  document.paths['/v1/things/{id}'] = { $ref: '#/components/pathItems/Things' };
  return document;
}

test('what is moved to the components, and errors that are documented together, break nothing', () => {
  expect(contractProblems(documentOf(), inComponents(documentOf()))).toEqual([]);
  expect(contractProblems(inComponents(documentOf()), inComponents(documentOf()))).toEqual([]);
});

test.each<[string, (components: Any) => void, string]>([
  ['a parameter', (all) => Object.assign(all.parameters.Id.schema, { pattern: '^0' }), 'path 1 has pattern'],
  ['a body', (all) => Object.assign(all.requestBodies.Thing, { required: true }), 'body must be given now'],
  ['a header', (all) => delete all.responses['Got.it'].headers, '200 header Location is gone'],
  ['an answer', (all) => delete all.schemas.Answer.properties.a, '200 body.a is gone'],
  ['an error', (all) => delete all.responses.Bad.content, '400 does not come as application/json'],
])('a change of %s is found though it is in the components', (_name, change, problem) => {
  const changed = inComponents(documentOf());
  change(changed.components);
  expect(contractProblems(documentOf(), changed).join()).toContain(problem);
});

test('a reference that does not exist in the document is no contract', () => {
  const changed = inComponents(documentOf());
  delete changed.components.responses.Bad;
  expect(() => contractProblems(documentOf(), changed)).toThrow(
    '#/components/responses/Bad points to nothing in the document',
  );
});
