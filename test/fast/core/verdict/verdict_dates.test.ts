import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import type { Schema } from '../../../../core/schema.ts';
import { judgeOf } from '../../../../core/verdict/judge.ts';

const judge = (schema: Schema) => judgeOf(schema, { isJson: true });

describe('dates (D2)', () => {
  const schemas = [z.object({ at: z.date() }), z3.object({ at: z3.date() })];
  test.each(schemas)('come as text and are dates for the handler', async (schema) => {
    const at = '2026-11-29T12:00:00+01:00';
    expect(await judge(schema)({ at }, '/p')).toEqual({ ok: true, value: { at: new Date(at) } });
  });

  test.each(schemas)('other texts are none', async (schema) => {
    for (const at of ['2026-02-30T00:00:00Z', '2026-11-29', '2026-11-29T12:00Z', 'now', 5, null])
      expect(await judge(schema)({ at }, '/p')).toMatchObject({ ok: false, details: [{ path: '/p/at' }] });
  });

  test.each(schemas)('a handler gives dates, not text', async (schema) => {
    const judgeGiven = judgeOf(schema, { isJson: false });
    expect(await judgeGiven({ at: new Date(5) }, '')).toEqual({ ok: true, value: { at: new Date(5) } });
    expect(await judgeGiven({ at: '2026-11-29T12:00:00Z' }, '')).toMatchObject({ ok: false });
  });
});
