import { expect, test } from 'vitest';
import { contractProblems, type Document } from '../../../.ci/compatibility.ts';
import { documentOf, object, text } from './contract_documents.ts';

/** What a change of one schema breaks, in a request or in a response. */
function schemaChange(where: 'request' | 'response', before: unknown, now: unknown): string[] {
  const [one, other] = [before, now].map((schema) => {
    const document = documentOf();
    const { post } = document.paths['/v1/things/{id}'];
    const place = where === 'request' ? post.requestBody : post.responses[200];
    place.content['application/json'].schema = schema;
    return document as Document;
  });
  return one === undefined || other === undefined ? [] : contractProblems(one, other);
}

const closed = { additionalProperties: false };

test.each<[string, unknown, unknown, string]>([
  ['another type', text, { type: 'integer' }, 'does not accept string now'],
  ['whole numbers only', { type: 'number' }, { type: 'integer' }, 'does not accept number now'],
  ['no null', { type: ['string', 'null'] }, text, 'does not accept null now'],
  ['a type, where there was none', {}, text, 'does not accept object now'],
  ['a value less', { enum: ['a', 'b'] }, { enum: ['a'] }, 'has enum ["a"] now, it was ["a","b"]'],
  ['only listed values', text, { type: 'string', enum: ['a'] }, 'has enum ["a"] now, it was not given'],
  ['another constant', { const: 'a' }, { const: 'b' }, 'has const "b" now'],
  [
    'a higher minimum',
    { type: 'integer', minimum: 0 },
    { type: 'integer', minimum: 1 },
    'minimum 1 now, it was 0',
  ],
  [
    'a minimum that is exclusive',
    { type: 'number', minimum: 0 },
    { type: 'number', exclusiveMinimum: 0 },
    'exclusiveMinimum',
  ],
  ['a new maximum', { type: 'number' }, { type: 'number', maximum: 9 }, 'maximum 9 now, it was not given'],
  ['steps', { type: 'number' }, { type: 'number', multipleOf: 0.5 }, 'multipleOf'],
  ['shorter texts', { ...text, maxLength: 9 }, { ...text, maxLength: 8 }, 'maxLength 8 now, it was 9'],
  ['no empty text', text, { ...text, minLength: 1 }, 'minLength'],
  ['a pattern', text, { ...text, pattern: '^a' }, 'pattern "^a" now'],
  ['a format', text, { ...text, format: 'uuid' }, 'format "uuid" now'],
  ['fewer items', { type: 'array', maxItems: 9 }, { type: 'array', maxItems: 8 }, 'maxItems'],
  ['no item twice', { type: 'array' }, { type: 'array', uniqueItems: true }, 'uniqueItems'],
  [
    'other items',
    { type: 'array', items: text },
    { type: 'array', items: { ...text, maxLength: 1 } },
    'body[] has maxLength',
  ],
  [
    'a property that must be given',
    object({ a: text }),
    object({ a: text }, { required: ['a'] }),
    'body.a must be given now',
  ],
  [
    'a new property that must be given',
    object({}, closed),
    object({ a: text }, { ...closed, required: ['a'] }),
    'body.a must be given now',
  ],
  ['a property less', object({ a: text }, closed), object({}, closed), 'body.a is gone'],
  [
    'no other properties',
    object({ a: text }),
    object({ a: text }, closed),
    'body does not accept other properties now',
  ],
  [
    'other properties of one type',
    object({}),
    object({}, { additionalProperties: text }),
    'body.* does not accept null now',
  ],
  ['names of a kind', object({}), object({}, { propertyNames: { maxLength: 3 } }), '(names) has maxLength'],
  ['fewer properties', object({}), object({}, { maxProperties: 3 }), 'maxProperties'],
  ['an alternative less', { oneOf: [text, { type: 'boolean' }] }, text, 'does not accept boolean now'],
  ['one more demand', text, { allOf: [text, { minLength: 1 }] }, 'minLength'],
  ['a demand that no rule understands', text, { ...text, not: { const: 'a' } }, 'has not {"const":"a"} now'],
])('a request with %s is a break', (name, before, now, problem) => {
  expect(schemaChange('request', before, now).join('\n')).toContain(problem);
  // What a request takes less of, a response may have less of. Another is not less, and a response may not lose a part.
  if (!/another|a property less/.test(name)) expect(schemaChange('response', before, now)).toEqual([]);
});

test.each<[string, unknown, unknown, string]>([
  ['null', text, { type: ['string', 'null'] }, 'may be null now'],
  ['null as an alternative', text, { oneOf: [text, { type: 'null' }] }, 'may be null now'],
  ['another type', text, { type: 'integer' }, 'may be integer now'],
  ['fractions', { type: 'integer' }, { type: 'number' }, 'may be number now'],
  ['a property less', object({ a: text }), object({}), 'body.a is gone'],
  [
    'a property that may be missing',
    object({ a: text }, { required: ['a'] }),
    object({ a: text }),
    'may be missing now',
  ],
  ['longer texts', { ...text, maxLength: 8 }, { ...text, maxLength: 9 }, 'maxLength 9 now, it was 8'],
  ['no format', { ...text, format: 'uuid' }, text, 'format not given now, it was "uuid"'],
  ['any text', { enum: ['a'] }, text, 'has enum not given now'],
  ['another constant', { const: 'a' }, { const: 'b' }, 'has const "b" now'],
  [
    'other items',
    { type: 'array', items: text },
    { type: 'array', items: { type: 'null' } },
    'body[] may be null now',
  ],
  [
    'null deep inside',
    object({ a: object({ b: text }) }),
    object({ a: object({ b: { type: ['string', 'null'] } }) }),
    'body.a.b may be null now',
  ],
])('a response with %s is a break', (_name, before, now, problem) => {
  expect(schemaChange('response', before, now).join('\n')).toContain(problem);
});

test.each<[string, 'request' | 'response', unknown, unknown]>([
  ['a property that may be given', 'request', object({}, closed), object({ a: text }, closed)],
  [
    'a property that need not be given',
    'request',
    object({ a: text }, { required: ['a'] }),
    object({ a: text }),
  ],
  ['any property', 'request', object({ a: text }, closed), object({ a: text })],
  ['another value', 'request', { enum: ['a'] }, { enum: ['a', 'b'] }],
  ['another type', 'request', text, { type: ['string', 'null'] }],
  ['fractions', 'request', { type: 'integer' }, { type: 'number' }],
  ['another alternative', 'request', text, { anyOf: [text, { type: 'null' }] }],
  ['another default', 'request', { ...text, default: 'a' }, { ...text, default: 'b' }],
  ['a new property', 'response', object({ a: text }), object({ a: text, b: text }, { required: ['b'] })],
  [
    'a new property of a closed object',
    'response',
    object({ a: text }, closed),
    object({ a: text, b: text }, closed),
  ],
  [
    'a property that is always there',
    'response',
    object({ a: text }),
    object({ a: text }, { required: ['a'] }),
  ],
  ['another value', 'response', { enum: ['a'] }, { enum: ['a', 'b'] }],
  ['another text', 'response', text, { ...text, description: 'b' }],
  ['the same said otherwise', 'response', { type: ['string', 'null'] }, { oneOf: [{ type: 'null' }, text] }],
])('%s is compatible in a %s', (_name, where, before, now) => {
  expect(schemaChange(where, before, now)).toEqual([]);
});

test('an object that is made of open parts and closed as a whole is the same as one that is written out', () => {
  const plain = object({ a: text, b: text }, { required: ['a'], ...closed });
  const made = {
    allOf: [object({ b: text })],
    ...object({ a: text }, { required: ['a'] }),
    unevaluatedProperties: false,
  };
  for (const where of ['request', 'response'] as const) {
    expect(schemaChange(where, plain, made)).toEqual([]);
    expect(schemaChange(where, made, plain)).toEqual([]);
  }
  expect(schemaChange('request', { ...made, unevaluatedProperties: true }, made)).toEqual([
    expect.stringContaining('does not accept other properties now'),
  ]);
});

test('a property that several parts describe is what all of them say', () => {
  const made = (b: object) => ({
    allOf: [object({ a: object({ b, c: text }) }), { properties: { a: object({ c: text }) } }],
  });
  expect(schemaChange('response', made(text), made(text))).toEqual([]);
  expect(schemaChange('response', made(text), made({ type: ['string', 'null'] }))).toEqual([
    expect.stringContaining('body.a.b may be null now'),
  ]);
});
