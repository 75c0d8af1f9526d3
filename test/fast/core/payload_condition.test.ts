import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pointerPart } from '../../../core/json/json.ts';
import { payloadCondition, pointerParts } from '../../../core/payload_condition.ts';

test.each([
  ['/id=42', ['id'], ['42', 42]],
  ['/invoice/id=42', ['invoice', 'id'], ['42', 42]],
  ['/id="42"', ['id'], ['42']],
  ['/id=A-17', ['id'], ['A-17']],
  ['/note=', ['note'], ['']],
  ['/note=a=b', ['note'], ['a=b']],
  ['/paid=true', ['paid'], ['true', true]],
  ['/paid=null', ['paid'], ['null', null]],
  ['/lines/0/sku=x', ['lines', '0', 'sku'], ['x']],
  ['/a~1b/c~0d=1e2', ['a/b', 'c~d'], ['1e2', 100]],
  ['/=1', [''], ['1', 1]],
  ['/id=1e999', ['id'], ['1e999']],
  ['/list=[1]', ['list'], ['[1]']],
])('%s looks for a value at a place', (text, path, values) => {
  expect(payloadCondition(text)).toEqual({ path, values });
});

test.each([
  'id=42',
  '/id',
  '=42',
  '',
  '/a~2=1',
  '/id="42',
  '/id="a"b',
  '/id=a\u0000',
  '/id="\\u0000"',
  '/a\ud800=1',
])('%j is refused, with what to write', (text) => {
  expect(payloadCondition(text)).toMatch(/^(must|contains)/);
});

test('every key but one with an equals sign can be named', () => {
  const key = fc.string({ unit: 'grapheme' }).filter((text) => !/[=\0]/.test(text) && text.isWellFormed());
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), (path) => {
      const pointer = path.map((one) => `/${pointerPart(one)}`).join('');
      expect(pointerParts(pointer)).toEqual(path);
      expect(payloadCondition(`${pointer}=x`)).toEqual({ path, values: ['x'] });
    }),
  );
});
