import { z } from 'zod';
import { ABSENT, at, field, type Row, whole } from '../row.ts';

type Make = (shape: z.core.$ZodShape) => z.ZodObject;
const open: Make = (shape) => z.object(shape);
const strict: Make = (shape) => z.strictObject(shape);

const tree = (make: Make) => {
  const node: z.ZodObject = make({
    name: z.string(),
    get children() {
      return z.array(node);
    },
  });
  return node;
};

const chain = (make: Make) => {
  const link: z.ZodObject = make({
    value: z.int(),
    get next() {
      return link.optional();
    },
  });
  return link;
};

const treeWith = (make: Make, shape: z.core.$ZodShape) => {
  const node: z.ZodObject = make({
    ...shape,
    get children() {
      return z.array(node).optional();
    },
  });
  return node;
};

const mutual = (make: Make) => {
  const person: z.ZodObject = make({
    name: z.string(),
    get pets() {
      return z.array(pet).default([]);
    },
  });
  const pet: z.ZodObject = make({
    kind: z.enum(['cat', 'dog']),
    get owner() {
      return person.nullable();
    },
  });
  return person;
};

const expression = (make: Make) => {
  const any: z.ZodType = z.lazy(() =>
    z.union([
      z.number(),
      make({ op: z.literal('neg'), of: any }),
      make({ op: z.literal('sum'), of: z.array(any) }),
    ]),
  );
  return any;
};

const folders = (make: Make) => {
  const folder: z.ZodType = make({
    files: z.record(
      z.string().min(2),
      z.lazy(() => z.union([z.string(), folder])),
    ),
  });
  return folder;
};

let made = 0;

/** A schema with an id, in two places and with another in it. An id may be given once in a process. */
const shared = (make: Make) => {
  made += 1;
  const money = make({ amount: z.number().multipleOf(0.01), currency: z.string().length(3) }).meta({
    id: `Money${made}`,
    title: 'Money',
  });
  const line = make({ text: z.string(), price: money }).meta({ id: `Line${made}` });
  return make({ lines: z.array(line), total: money, tip: money.optional() });
};

const price = { amount: 4.35, currency: 'EUR' };

/** Schemas that contain themselves, and schemas that are used in several places. */
export const RECURSION: Row[] = [
  whole('a tree at the top', () => tree(open), {
    twin: () => tree(strict),
    fits: [
      { name: 'a', children: [] },
      { name: 'a', children: [{ name: 'b', children: [{ name: 'c', children: [] }] }] },
    ],
    refused: [
      at({ name: 'a' }, '/children'),
      at({ name: 'a', children: [{ name: 1, children: [] }] }, '/children/0/name'),
      at({ name: 'a', children: [{ name: 'b', children: [], x: 1 }] }, '/children/0/x'),
    ],
  }),
  field('a tree in a field', () => tree(open), {
    twin: () => tree(strict),
    fits: [{ name: 'a', children: [{ name: 'b', children: [] }] }],
    refused: [
      at({ name: 'a', children: [{ children: [], y: 1 }] }, '/children/0/name', '/children/0/y'),
      null,
    ],
  }),
  field('a chain', () => chain(open), {
    twin: () => chain(strict),
    fits: [{ value: 1 }, { value: 1, next: { value: 2, next: { value: 3 } } }],
    refused: [
      at({ value: 1, next: null }, '/next'),
      at({ value: 1, next: { value: 2, more: 1 } }, '/next/more'),
    ],
  }),
  field('two that contain each other', () => mutual(open), {
    twin: () => mutual(strict),
    fits: [
      {
        name: 'a',
        pets: [
          { kind: 'cat', owner: { name: 'b', pets: [] } },
          { kind: 'dog', owner: null },
        ],
      },
    ],
    refused: [
      at({ name: 'a', pets: [{ kind: 'cow', owner: null }] }, '/pets/0/kind'),
      at({ name: 'a', pets: [{ kind: 'cat', owner: { name: 'b', x: 1 } }] }, '/pets/0/owner/x'),
    ],
  }),
  field('expressions', () => expression(open), {
    twin: () => expression(strict),
    fits: [1, { op: 'neg', of: 1 }, { op: 'sum', of: [1, { op: 'neg', of: { op: 'sum', of: [] } }] }],
    refused: [
      at({ op: 'sum', of: [1, { op: 'neg', of: 'x' }] }, '/of/1/of'),
      at({ op: 'neg', of: 1, x: 1 }, '/x'),
      'x',
      ABSENT,
    ],
  }),
  field('folders', () => folders(open), {
    twin: () => folders(strict),
    fits: [{ files: {} }, { files: { aa: 'x', bb: { files: { cc: 'y' } } } }],
    refused: [
      at({ files: { a: 'x' } }, '/files/a'),
      at({ files: { bb: { files: { c: 'y' } } } }, '/files/bb/files/c'),
      at({ files: { bb: { files: {}, x: 1 } } }, '/files/bb/x'),
    ],
  }),
  whole('schemas with an id', () => shared(open), {
    twin: () => shared(strict),
    fits: [
      { lines: [{ text: 'a', price }], total: price },
      { lines: [], total: price, tip: price },
    ],
    refused: [
      at({ lines: [{ text: 'a', price: { amount: 1 } }], total: price }, '/lines/0/price/currency'),
      at({ lines: [], total: { ...price, vat: 1 } }, '/total/vat'),
    ],
  }),
  field(
    'a schema in two places',
    () => {
      const point = z.object({ x: z.int(), y: z.int() });
      return z.object({ from: point, to: point.optional() });
    },
    {
      twin: () => {
        const point = z.strictObject({ x: z.int(), y: z.int() });
        return z.strictObject({ from: point, to: point.optional() });
      },
      fits: [{ from: { x: 1, y: 2 } }, { from: { x: 1, y: 2 }, to: { x: 3, y: 4 } }],
      refused: [
        at({ from: { x: 1, y: 2 }, to: { x: 3, y: 4, z: 5 } }, '/to/z'),
        at({ from: { x: 1 } }, '/from/y'),
      ],
    },
  ),
  field('a schema that is lazy without need', () => z.lazy(() => z.object({ a: z.int() })), {
    twin: () => z.strictObject({ a: z.int() }),
    fits: [{ a: 1 }],
    refused: [at({ a: 1, b: 1 }, '/b'), ABSENT],
  }),
  field('JSON among other things', () => z.object({ meta: z.record(z.string(), z.json()), n: z.int() }), {
    twin: () => z.strictObject({ meta: z.record(z.string(), z.json()), n: z.int() }),
    fits: [{ meta: { a: [{ b: null }] }, n: 1 }],
    refused: [at({ meta: [], n: 1 }, '/meta'), at({ meta: {}, n: 1, o: 1 }, '/o')],
  }),
  field('two trees', () => treeWith(open, { a: z.string() }).and(treeWith(open, { b: z.int() })), {
    twin: () => treeWith(strict, { a: z.string(), b: z.int() }),
    fits: [{ a: 'x', b: 1, children: [{ a: 'y', b: 2 }] }],
    refused: [
      at({ a: 'x', b: 1, children: [{ a: 'y', b: 2, c: 1 }] }, '/children/0/c'),
      at({ a: 'x', b: 1, children: [{ a: 'y' }] }, '/children/0/b'),
    ],
  }),
];
