import { z } from 'zod';
import { ABSENT, at, field, into, type Row, told, whole } from '../row.ts';

const base = { a: z.string(), b: z.int().optional() };

/** Objects: which properties they know, and which may be missing. */
export const OBJECTS: Row[] = [
  field('an object', () => z.object(base), {
    twin: () => z.strictObject(base),
    fits: [{ a: 'x' }, { a: 'x', b: 1 }],
    refused: [
      null,
      [],
      'a',
      ABSENT,
      at({}, '/a'),
      at({ a: 'x', c: 1 }, '/c'),
      at({ b: 'x', d: 1, e: 2 }, '/a', '/b', '/d', '/e'),
    ],
  }),
  whole('an object without properties', () => z.object({}), {
    twin: () => z.strictObject({}),
    fits: [{}],
    refused: [at({ a: 1 }, '/a'), null, [], 'a'],
  }),
  field('an object without properties in a field', () => z.object({}), {
    twin: () => z.strictObject({}),
    fits: [{}],
    refused: [at({ a: 1 }, '/a'), null, []],
  }),
  field('a strict object', () => z.strictObject(base), {
    fits: [{ a: 'x' }],
    refused: [at({ a: 'x', c: 1 }, '/c'), at({}, '/a')],
  }),
  field(
    'a strict object with an own message',
    () => z.strictObject({ a: z.int() }, { error: 'no such thing' }),
    {
      fits: [{ a: 1 }],
      refused: [told({ a: 1, c: 1 }, ['/c', 'no such thing'])],
    },
  ),
  field('a loose object', () => z.looseObject(base), {
    fits: [{ a: 'x', c: { d: 1 } }, { a: 'x' }],
    refused: [at({ c: 1 }, '/a'), null],
  }),
  field('a loose object with a closed one in it', () => z.looseObject({ a: z.object({ b: z.int() }) }), {
    twin: () => z.looseObject({ a: z.strictObject({ b: z.int() }) }),
    fits: [{ a: { b: 1 }, c: 1 }],
    refused: [at({ a: { b: 1, c: 1 } }, '/a/c')],
  }),
  field(
    'passthrough and loose, as methods',
    () => z.object({ a: z.object(base).loose(), b: z.object({}).passthrough() }),
    {
      twin: () => z.strictObject({ a: z.looseObject(base), b: z.looseObject({}) }),
      fits: [{ a: { a: 'x', c: 1 }, b: { d: 1 } }],
      refused: [at({ a: { a: 'x' }, b: {}, c: 1 }, '/c')],
    },
  ),
  field('a catchall', () => z.object(base).catchall(z.number()), {
    fits: [{ a: 'x' }, { a: 'x', c: 1 }],
    refused: [at({ a: 'x', c: 'y' }, '/c'), at({ c: 1 }, '/a')],
  }),
  field('a catchall of objects', () => z.object({}).catchall(z.object({ a: z.int() })), {
    twin: () => z.object({}).catchall(z.strictObject({ a: z.int() })),
    fits: [{}, { k: { a: 1 } }],
    refused: [at({ k: { a: 1, b: 1 } }, '/k/b')],
  }),
  field('a catchall of never', () => z.object(base).catchall(z.never()), {
    fits: [{ a: 'x' }],
    refused: [at({ a: 'x', c: 1 }, '/c')],
  }),
  field('a stripped object, said so', () => z.looseObject(base).strip(), {
    twin: () => z.strictObject(base),
    fits: [{ a: 'x' }],
    refused: [at({ a: 'x', c: 1 }, '/c')],
  }),
  field('objects in objects', () => z.object({ a: z.object({ b: z.object({ c: z.int() }) }) }), {
    twin: () => z.strictObject({ a: z.strictObject({ b: z.strictObject({ c: z.int() }) }) }),
    fits: [{ a: { b: { c: 1 } } }],
    refused: [at({ a: { b: { c: 1, d: 1 }, e: 1 } }, '/a/b/d', '/a/e'), at({ a: { b: null } }, '/a/b')],
  }),
  field('an optional object', () => z.object(base).optional(), {
    twin: () => z.strictObject(base).optional(),
    fits: [ABSENT, { a: 'x' }],
    refused: [null, at({ a: 'x', c: 1 }, '/c')],
  }),
  field('a nullable object', () => z.object(base).nullable(), {
    twin: () => z.strictObject(base).nullable(),
    fits: [null, { a: 'x' }],
    refused: [ABSENT, at({ a: 'x', c: 1 }, '/c')],
  }),
  field('an exactly optional property', () => z.object({ a: z.exactOptional(z.string()) }), {
    twin: () => z.strictObject({ a: z.exactOptional(z.string()) }),
    fits: [{}, { a: 'x' }],
    refused: [at({ a: null }, '/a'), at({ b: 1 }, '/b')],
  }),
  field('a default', () => z.string().default('d'), { fits: ['a', into(ABSENT, 'd')], refused: [null, 1] }),
  field('a default that is made', () => z.array(z.int()).default(() => [1, 2]), {
    fits: [[], into(ABSENT, [1, 2])],
    refused: [null, at(['a'], '/0')],
  }),
  field('a default object', () => z.object({ list: z.array(z.int()) }).default({ list: [] }), {
    twin: () => z.strictObject({ list: z.array(z.int()) }).default({ list: [] }),
    fits: [{ list: [1] }, into(ABSENT, { list: [] })],
    refused: [at({}, '/list'), at({ list: [], a: 1 }, '/a'), null],
  }),
  field('a prefault', () => z.string().trim().min(1).prefault(' p '), {
    fits: ['a', into(ABSENT, 'p')],
    refused: [null, '', 1],
  }),
  field('a prefault object', () => z.object({ a: z.int().default(3) }).prefault({}), {
    twin: () => z.strictObject({ a: z.int().default(3) }).prefault({}),
    fits: [into(ABSENT, { a: 3 }), into({}, { a: 3 }), { a: 1 }],
    refused: [at({ a: 'x' }, '/a'), at({ b: 1 }, '/b')],
  }),
  field('a catch', () => z.string().catch('c'), {
    fits: ['a', into(ABSENT, 'c'), into(null, 'c'), into(5, 'c'), into({}, 'c')],
    refused: [],
  }),
  field('a catch object', () => z.object({ a: z.int() }).catch({ a: 0 }), {
    twin: () => z.strictObject({ a: z.int() }).catch({ a: 0 }),
    fits: [{ a: 1 }, into({ a: 'x' }, { a: 0 }), into({ a: 1, b: 2 }, { a: 0 }), into(ABSENT, { a: 0 })],
    refused: [],
  }),
  field('read only', () => z.object({ a: z.array(z.string()).readonly() }).readonly(), {
    twin: () => z.strictObject({ a: z.array(z.string()).readonly() }).readonly(),
    fits: [{ a: ['x'] }],
    refused: [at({ a: ['x'], b: 1 }, '/b'), at({ a: [1] }, '/a/0')],
  }),
  field('partial', () => z.object({ ...base, c: z.object({ d: z.int() }) }).partial(), {
    twin: () => z.strictObject({ ...base, c: z.strictObject({ d: z.int() }) }).partial(),
    fits: [{}, { c: { d: 1 } }],
    refused: [at({ c: { d: 1, e: 1 } }, '/c/e'), at({ a: null }, '/a'), at({ z: 1 }, '/z')],
  }),
  field(
    'picked, omitted, extended, required',
    () => z.object(base).pick({ b: true }).extend({ c: z.int() }).required().omit({ c: true }),
    {
      twin: () => z.strictObject({ b: z.int() }),
      fits: [{ b: 1 }],
      refused: [at({}, '/b'), at({ b: 1, a: 'x' }, '/a'), at({ b: 1, c: 1 }, '/c')],
    },
  ),
  field('names that objects inherit', () => z.object({ toString: z.string(), constructor: z.int() }), {
    twin: () => z.strictObject({ toString: z.string(), constructor: z.int() }),
    fits: [{ toString: 'a', constructor: 1 }],
    refused: [at({ constructor: 1 }, '/toString'), at({ toString: 'a' }, '/constructor')],
  }),
  field('unknown names that objects inherit', () => z.object({ a: z.int() }), {
    twin: () => z.strictObject({ a: z.int() }),
    fits: [{ a: 1 }],
    refused: [
      at({ a: 1, toString: 1 }, '/toString'),
      at({ a: 1, hasOwnProperty: 1, valueOf: 2 }, '/hasOwnProperty', '/valueOf'),
    ],
  }),
];
