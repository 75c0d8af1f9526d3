import { describe, expect, test } from 'vitest';
import type { Field } from '../../../dashboard/form/fields.ts';
import { fieldsOf, payloadOf, typedOf } from '../../../dashboard/form/fields.ts';
import { definitions } from '../../../tasks/index.ts';

const schema = {
  type: 'object',
  required: ['to', 'amount'],
  properties: {
    to: { type: 'string', maxLength: 100, description: 'Who gets it' },
    amount: { type: 'integer' },
    rate: { type: ['number', 'null'] },
    urgent: { type: 'boolean', default: false },
    currency: { enum: ['EUR', 'USD'], default: 'EUR' },
    note: { anyOf: [{ type: 'string', maxLength: 5_000 }, { type: 'null' }] },
    address: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
    headers: { type: 'object', additionalProperties: { type: 'string' } },
    'a/b': { type: 'array', items: { type: 'string' } },
  },
};
const fields = fieldsOf(schema) ?? [];

const kinds = (some: readonly Field[]) => Object.fromEntries(some.map(({ path, kind }) => [path, kind]));

describe('the fields of a schema', () => {
  test('each property is a field of its kind', () => {
    expect(kinds(fields)).toEqual({
      '/to': 'text',
      '/amount': 'integer',
      '/rate': 'number',
      '/urgent': 'boolean',
      '/currency': 'choice',
      '/note': 'long',
      '/address': 'group',
      '/headers': 'json',
      '/a~1b': 'json',
    });
    expect(fields[0]).toMatchObject({ isRequired: true, description: 'Who gets it' });
    expect(fields[4]).toMatchObject({ isRequired: false, placeholder: 'EUR', options: ['EUR', 'USD'] });
  });

  test('a schema without known properties has no fields', () => {
    expect(fieldsOf({ type: 'object', additionalProperties: true })).toBeNull();
    expect(fieldsOf({ anyOf: [] })).toBeNull();
  });

  test('every example of a shipped task passes through its form unchanged', () => {
    for (const { payloadJsonSchema, example } of definitions) {
      const own = fieldsOf(payloadJsonSchema);
      if (own === null) continue;
      expect(payloadOf(own, typedOf(own, example))).toEqual({ payload: example });
    }
  });
});

describe('the payload of a form', () => {
  test('what was typed has the types of the schema, and empty fields are not sent', () => {
    const typed = {
      '/to': 'ann',
      '/amount': '42',
      '/urgent': 'true',
      '/currency': '"USD"',
      '/address/city': 'Berlin',
      '/a~1b': '["x"]',
      '/note': '',
    };
    expect(payloadOf(fields, typed)).toEqual({
      payload: {
        to: 'ann',
        amount: 42,
        urgent: true,
        currency: 'USD',
        address: { city: 'Berlin' },
        'a/b': ['x'],
      },
    });
  });

  test('what the payload has besides the fields is kept', () => {
    const before = { to: 'ann', amount: 1, extra: { deep: true } };
    expect(payloadOf(fields, typedOf(fields, before), before)).toEqual({ payload: before });
  });

  test('problems are named by the field', () => {
    expect(payloadOf(fields, { '/to': 'ann', '/amount': '1.5', '/rate': 'much', '/headers': '{' })).toEqual({
      problems: {
        '/amount': 'This is no whole number',
        '/rate': 'This is no number',
        '/headers': 'This is not JSON',
      },
    });
    expect(payloadOf(fields, {})).toEqual({ problems: { '/amount': 'This is required' } });
  });

  test('a text that looks like a number stays a text', () => {
    expect(payloadOf(fields, { '/to': '42', '/amount': '42' })).toEqual({
      payload: { to: '42', amount: 42 },
    });
  });
});
