import { z } from 'zod';
import { ABSENT, field, into, type Row, told } from '../row.ts';

/** As TypeScript compiles `enum Colour { Red, Green }`, with the names of its numbers. */
const Colour = { Red: 0, Green: 1, 0: 'Red', 1: 'Green' } as const;

/** Literals, enums, templates and texts that stand for other values. */
export const LITERALS: Row[] = [
  field('a literal text', () => z.literal('a'), { fits: ['a'], refused: ['A', '', 1, null, ABSENT] }),
  field('a literal number', () => z.literal(1), { fits: [1], refused: [2, '1', true] }),
  field('a literal null', () => z.literal(null), { fits: [null], refused: [ABSENT, 0, 'null'] }),
  field('a literal false', () => z.literal(false), { fits: [false], refused: [0, true, null] }),
  field('one of several literals', () => z.literal(['a', 1, null, true]), {
    fits: ['a', 1, null, true],
    refused: ['b', 0, false, '1'],
  }),
  field('an enum', () => z.enum(['low', 'high']), { fits: ['low', 'high'], refused: ['LOW', '', 0, null] }),
  field('an enum with values of its own', () => z.enum({ Low: 'l', High: 'h' }), {
    fits: ['l', 'h'],
    refused: ['Low', 'x'],
  }),
  field('an enum of TypeScript', () => z.enum(Colour), { fits: [0, 1], refused: ['Red', 2, '0'] }),
  field('an enum without a member', () => z.enum(['a', 'b', 'c']).exclude(['b']), {
    fits: ['a', 'c'],
    refused: ['b', 'd'],
  }),
  field('the keys of an object', () => z.keyof(z.object({ a: z.string(), b: z.string() })), {
    fits: ['a', 'b'],
    refused: ['c', 1],
  }),
  field('an own message about an enum', () => z.enum(['a'], { error: 'a only' }), {
    fits: ['a'],
    refused: [told('b', ['', 'a only'])],
  }),
  field('a template', () => z.templateLiteral(['v', z.number(), '.', z.enum(['a', 'b'])]), {
    fits: ['v1.a', 'v-2.5.b'],
    refused: ['v1.c', '1.a', 'v.a', 1],
  }),
  field('a template with a check in it', () => z.templateLiteral([z.string().min(2), '@', z.int()]), {
    fits: ['ab@1'],
    refused: ['a@1', 'ab@', 'ab@1.5'],
  }),
  field('a template of a CSS length', () => z.templateLiteral([z.number(), z.literal(['px', 'em'])]), {
    fits: ['1.5px', '2em'],
    refused: ['px', '2 em', '2rem'],
  }),
  field('a text that stands for true or false', () => z.stringbool(), {
    fits: [into('true', true), into('no', false), into('1', true), into('OFF', false), into('Y', true)],
    refused: ['maybe', '', true, 1],
  }),
  field(
    'the same with words of its own',
    () => z.stringbool({ truthy: ['ja'], falsy: ['nein'], case: 'sensitive' }),
    { fits: [into('ja', true), into('nein', false)], refused: ['Ja', 'true', ''] },
  ),
  field('a branded text', () => z.string().brand<'Id'>().min(1), { fits: ['a'], refused: ['', 1] }),
  field(
    'a described text',
    () =>
      z
        .string()
        .min(1)
        .describe('a name')
        .meta({ title: 'Name', examples: ['a'] }),
    {
      fits: ['a'],
      refused: ['', null],
    },
  ),
  field('a deprecated text', () => z.string().optional().meta({ deprecated: true, readOnly: true }), {
    fits: ['a', ABSENT],
    refused: [null, 1],
  }),
];
