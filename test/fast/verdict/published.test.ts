import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { CORPUS } from './corpus/index.ts';
import { definitionOf } from './row.ts';
import { arrived } from './zod_verdict.ts';

/** What says nothing about a value. */
const ANNOTATIONS = new Set([
  '$schema',
  '$id',
  '$defs',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
]);

// `pattern` is compiled with the flag u, as JSON Schema says; unknown keywords and formats do not pass.
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false, strictRequired: false });
formats.default(ajv);

describe.each(CORPUS.map((row, index) => ({ ...row, index })))('the published schema: $name', (row) => {
  test('compiles, says something, and accepts what Zod accepts', () => {
    const { payloadJsonSchema } = definitionOf(row, row.index);
    expect(Object.keys(payloadJsonSchema).filter((key) => !ANNOTATIONS.has(key))).not.toEqual([]);
    // Generated clients leave what is read only out of requests.
    expect(JSON.stringify(payloadJsonSchema)).not.toContain('"readOnly"');
    const validate = ajv.compile(payloadJsonSchema);
    for (const { payload } of row.fits) {
      validate(arrived(payload));
      expect({ payload, errors: validate.errors }).toEqual({ payload, errors: null });
    }
  });
});
