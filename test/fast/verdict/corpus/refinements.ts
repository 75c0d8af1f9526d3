import { z } from 'zod';
import { ABSENT, at, field, into, type Row, told, whole } from '../row.ts';

const away = (): never => {
  throw new Error('the directory is away');
};

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
}

/** Refinements, and what is told when one throws. */
export const REFINEMENTS: Row[] = [
  field('a refinement', () => z.int().refine((n) => n % 2 === 0, 'must be even'), {
    fits: [0, 2],
    refused: [told(1, ['', 'must be even']), 'x'],
  }),
  field('a refinement that waits', () => z.string().refine(async (text) => text === 'good', 'is not good'), {
    fits: ['good'],
    refused: [told('bad', ['', 'is not good']), 5],
  }),
  whole(
    'a refinement of the whole payload',
    () =>
      z
        .object({ a: z.int(), b: z.int() })
        .refine(({ a, b }) => a < b, { path: ['b'], message: 'must be above a' }),
    {
      twin: () => z.strictObject({ a: z.int(), b: z.int() }).refine(({ a, b }) => a < b, { path: ['b'] }),
      fits: [{ a: 1, b: 2 }],
      refused: [
        told({ a: 2, b: 1 }, ['/b', 'must be above a']),
        at({ a: 1, b: 2, c: 3 }, '/c'),
        at({ a: 'x', b: 1 }, '/a'),
      ],
    },
  ),
  field(
    'a refinement of an object that is told at it',
    () => z.object({ a: z.int() }).refine(({ a }) => a > 0, 'too little'),
    {
      twin: () => z.strictObject({ a: z.int() }).refine(({ a }) => a > 0),
      fits: [{ a: 1 }],
      refused: [told({ a: 0 }, ['', 'too little']), at({ a: 1, b: 1 }, '/b')],
    },
  ),
  field(
    'a refinement that sees the keys that came',
    () => z.looseObject({}).refine((all) => Object.keys(all).length <= 2, 'two keys at most'),
    {
      fits: [{}, { a: 1, b: 2 }],
      refused: [told({ a: 1, b: 2, c: 3 }, ['', 'two keys at most'])],
    },
  ),
  field(
    'several problems of a superRefine',
    () =>
      z.array(z.string()).superRefine((all, context) => {
        for (const [index, text] of all.entries()) {
          if (text.startsWith('_'))
            context.addIssue({ code: 'custom', path: [index], message: 'is private' });
        }
      }),
    {
      fits: [['a'], []],
      refused: [told(['_a', 'b', '_c'], ['/0', 'is private'], ['/2', 'is private']), at([1], '/0')],
    },
  ),
  field(
    'a check',
    () =>
      z.string().check((context) => {
        if (context.value === 'bad') {
          context.issues.push({ code: 'custom', message: 'is bad', input: context.value });
        }
      }),
    {
      fits: ['good'],
      refused: [told('bad', ['', 'is bad'])],
    },
  ),
  field('a refinement that throws', () => z.string().refine((text) => text !== 'bad' || away()), {
    fits: ['good'],
    refused: ['bad', 5],
  }),
  field('a refinement that rejects', () => z.string().refine(async (text) => text !== 'bad' || away()), {
    fits: ['good'],
    refused: ['bad', 5],
  }),
  field(
    'a superRefine that throws inside a list',
    () => z.array(z.object({ a: z.string().superRefine((text) => void (text === 'bad' && away())) })),
    {
      twin: () => z.array(z.strictObject({ a: z.string().refine((text) => text !== 'bad') })),
      fits: [[{ a: 'x' }]],
      refused: [at([{ a: 'x' }, { a: 'bad' }], '/1/a'), at([{ a: 'x', b: 1 }], '/0/b')],
    },
  ),
  field(
    'one throws, the others are told',
    () => z.object({ a: z.string().refine((text) => text !== 'bad' || away()), b: z.int(), c: z.int() }),
    {
      twin: () => z.strictObject({ a: z.string().refine((text) => text !== 'bad'), b: z.int(), c: z.int() }),
      fits: [{ a: 'x', b: 1, c: 1 }],
      refused: [at({ a: 'bad', b: 'y', c: 1 }, '/a', '/b'), at({ a: 'bad', b: 1, c: 1, d: 1 }, '/a', '/d')],
    },
  ),
  field('a refinement that goes on after a first', () => z.string().min(3).regex(/^a/), {
    fits: ['abc'],
    refused: ['b', 'bcd', 'a'],
  }),
  field(
    'a refinement that ends the search',
    () =>
      z
        .string()
        .min(3, { abort: true })
        .refine((text) => text.at(2) !== 'x'),
    {
      fits: ['abc'],
      refused: ['ab', 'abx'],
    },
  ),
  field(
    'a refinement when',
    () =>
      z
        .object({ a: z.string(), b: z.string() })
        .refine(({ a, b }) => a === b, { path: ['b'], message: 'differs', when: () => true }),
    {
      twin: () =>
        z
          .strictObject({ a: z.string(), b: z.string() })
          .refine(({ a, b }) => a === b, { path: ['b'], when: () => true }),
      fits: [{ a: 'x', b: 'x' }],
      refused: [told({ a: 'x', b: 'y' }, ['/b', 'differs'])],
    },
  ),
  field(
    'a custom type',
    () => z.custom<`${number}px`>((value) => typeof value === 'string' && /^\d+px$/.test(value), 'no pixels'),
    {
      fits: ['5px'],
      refused: [told('5', ['', 'no pixels']), 5, null],
    },
  ),
  field('a custom type that takes anything', () => z.custom<unknown>().optional(), {
    fits: [1, 'a', {}, ABSENT],
    refused: [],
  }),
  field(
    'an instance behind a transform',
    () =>
      z
        .int()
        .transform((cents) => new Money(cents))
        .pipe(z.instanceof(Money)),
    {
      fits: [into(5, new Money(5))],
      refused: ['x', 1.5],
    },
  ),
  field(
    'a refinement of a record',
    () => z.record(z.string(), z.int()).refine((all) => 'a' in all, 'needs a'),
    {
      fits: [{ a: 1 }],
      refused: [told({ b: 1 }, ['', 'needs a']), at({ a: 'x' }, '/a')],
    },
  ),
  field(
    'a refinement in a union',
    () =>
      z.union([z.object({ a: z.int() }).refine(({ a }) => a > 0, 'too little'), z.object({ b: z.int() })]),
    {
      twin: () =>
        z.union([z.strictObject({ a: z.int() }).refine(({ a }) => a > 0), z.strictObject({ b: z.int() })]),
      fits: [{ a: 1 }, { b: 0 }],
      refused: [told({ a: 0 }, ['', 'too little']), at({ b: 'x' }, '/b')],
    },
  ),
  field('bounds of a record', () => z.record(z.string(), z.int()).check(z.property('a', z.int().min(5))), {
    fits: [{ a: 5 }],
    refused: [at({ a: 4 }, '/a')],
  }),
];
