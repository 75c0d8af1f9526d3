import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { checker } from '../../../../core/definitions/check.ts';
import { toJsonSchema } from '../../../../core/json_schema/describe.ts';
import { parsePayload } from '../../../../core/payload.ts';
import { defineTask } from '../../../../core/task.ts';
import { anyText, jsonOf } from '../arbitraries.ts';

const guest = z.strictObject({
  name: z.string().max(3),
  room: z.int().min(1).optional(),
  meals: z.array(z.enum(['chowder', 'biscuit'])).optional(),
});

describe('checker', () => {
  const check = checker(toJsonSchema(guest));

  test('nothing is wrong with what fits', () => {
    expect(check({ name: 'Pip' }, '/body')).toEqual([]);
    expect(check({ name: '', room: 1, meals: ['chowder'] }, '/body')).toEqual([]);
  });

  test('everything that is wrong, where it is, and what was sent instead', () => {
    const wrong = { name: 'Queequeg', room: 0, meals: ['chowder', 'whale'], 'a/b': true };
    expect(Object.fromEntries(check(wrong, '/body').map(({ path, message }) => [path, message]))).toEqual({
      '/body/name': expect.stringMatching(/more than 3 characters, got "Queequeg"$/),
      '/body/room': expect.stringMatching(/>= 1, got 0$/),
      '/body/meals/1': expect.stringMatching(/allowed values: chowder, biscuit, got "whale"$/),
      '/body/a~1b': expect.stringMatching(/is not a known property, got true$/),
    });
    expect(check({}, '')).toEqual([{ path: '/name', message: 'is required' }]);
    expect(check('text', '/body')).toMatchObject([{ path: '/body', message: 'must be object, got "text"' }]);
  });

  test('a hundred problems are told, and of a value with very many parts the first', () => {
    const meals = (count: number): unknown => ({ name: 'Pip', meals: Array(count).fill('whale') });
    expect(check(meals(9_000), '')).toHaveLength(100);
    expect(check(meals(11_000), '')).toHaveLength(1);
    const keys = Object.fromEntries(Array.from({ length: 11_000 }, (_, index) => [`key${index}`, null]));
    expect(check({ name: 'Pip', ...keys }, '')).toHaveLength(1);
  });

  test('it agrees with the zod schema about everything', () => {
    const near = fc.record(
      {
        name: fc.oneof(fc.string({ maxLength: 4 }), fc.integer()),
        room: fc.oneof(fc.integer({ min: -1, max: 2 }), fc.constant(1.5)),
        meals: fc.array(fc.constantFrom('chowder', 'biscuit', 'whale')),
        other: fc.constant(1),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.oneof(near, jsonOf(anyText)), (value) => {
        expect(check(value, '').length === 0).toBe(guest.safeParse(value).success);
      }),
    );
  });
});

describe('parsePayload', () => {
  const task = defineTask({
    name: 'inn.book',
    version: '1',
    description: 'For this test',
    payload: z
      .object({
        name: z.string().min(1),
        nights: z.int().min(1).default(1),
        bed: z.string().transform((text) => text.toUpperCase()),
      })
      .refine(({ name, bed }) => name !== bed, { path: ['bed'], message: 'is the guest' }),
    example: { name: 'Ishmael', bed: 'shared' },
  });

  test('gives the value with its defaults and transforms', async () => {
    expect(await parsePayload(task, { name: 'Ishmael', bed: 'shared' }, '/payload')).toEqual({
      ok: true,
      value: { name: 'Ishmael', nights: 1, bed: 'SHARED' },
    });
  });

  test('everything that is wrong, an unknown field too', async () => {
    expect(await parsePayload(task, { name: '', bed: 'x', window: 2 }, '/payload')).toMatchObject({
      ok: false,
      details: [{ path: '/payload/name' }, { path: '/payload/window' }],
    });
  });

  test('its refinements, in its own words', async () => {
    expect(await parsePayload(task, { name: 'A', bed: 'a' }, '/payload')).toEqual({
      ok: false,
      details: [{ path: '/payload/bed', message: 'is the guest' }],
    });
  });

  test('a zod/v3 definition is no different', async () => {
    const old = defineTask({
      name: 'inn.old',
      version: '1',
      description: 'For this test',
      payload: z3.object({
        size: z3.number().gt(0),
        pair: z3.tuple([z3.string(), z3.number()]).default(['a', 1]),
      }),
      example: { size: 1 },
    });
    expect(await parsePayload(old, { size: 2 }, '')).toEqual({
      ok: true,
      value: { size: 2, pair: ['a', 1] },
    });
    expect(await parsePayload(old, { size: 0 }, '')).toMatchObject({
      ok: false,
      details: [{ path: '/size' }],
    });
    expect(await parsePayload(old, { size: 2, pair: [1, 'a'] }, '')).toMatchObject({
      ok: false,
      details: [{ path: '/pair/0' }, { path: '/pair/1' }],
    });
  });
});
