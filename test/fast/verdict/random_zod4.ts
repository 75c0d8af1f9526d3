import fc from 'fast-check';
import { z } from 'zod';
import { composed } from './made.ts';
import { leaves, type One } from './random_leaves.ts';

type Zod = z.ZodType;

const KEYS = ['a', 'b', 'c/d', 'e~', 'to string'];

/** Wraps that change nothing of what a schema accepts. */
const WRAPS: Record<string, (schema: Zod) => Zod> = {
  readonly: (schema) => schema.readonly(),
  describe: (schema) => schema.describe('as described'),
  meta: (schema) => schema.meta({ title: 'a title' }),
  lazy: (schema) => z.lazy(() => schema),
  pipe: (schema) => schema.pipe(z.any()),
  transform: (schema) => schema.transform((value) => [value]),
};

const wrapName = fc.constantFrom(...Object.keys(WRAPS));

function wrapped(one: One, name: string): One {
  return composed(name, [one], (closed) => WRAPS[name]?.(one.make(closed)) ?? z.never(), one.value);
}

type Field = { key: string; one: One; kind: 'plain' | 'optional' | 'nullish' | 'default' | 'prefault' };

function fieldSchema({ one, kind }: Field, closed: boolean, example: unknown): Zod {
  const schema = one.make(closed);
  if (kind === 'optional') return schema.optional();
  if (kind === 'nullish') return schema.nullish();
  if (kind === 'default') return schema.default({ made: [[]] } as never);
  return kind === 'prefault' ? schema.prefault(example as never) : schema;
}

type Mode = 'strip' | 'strict' | 'loose' | 'catchall';
type Shape = { fields: Field[]; mode: Mode };

function shapeOf(fields: Field[], closed: boolean): Record<string, Zod> {
  return Object.fromEntries(
    fields.map((field) => [
      field.key,
      fieldSchema(field, closed, fc.sample(field.one.value, { numRuns: 1, seed: 1 })[0]),
    ]),
  );
}

function objectSchema({ fields, mode }: Shape, closed: boolean): z.ZodObject {
  const schema = z.object(shapeOf(fields, closed));
  if (mode === 'loose') return schema.loose();
  if (mode === 'catchall') return schema.catchall(z.int());
  return mode === 'strict' || closed ? schema.strict() : schema;
}

function objectValue({ fields }: Shape): fc.Arbitrary<Record<string, unknown>> {
  const values = fields.map(({ key, one, kind }): [string, fc.Arbitrary<unknown>] => [
    key,
    kind === 'nullish' ? fc.option(one.value) : one.value,
  ]);
  const requiredKeys = fields.flatMap(({ key, kind }) => (kind === 'plain' ? [key] : []));
  return fc.record(Object.fromEntries(values), { requiredKeys, noNullPrototype: true });
}

function objectOf(shape: Shape): One {
  const { fields, mode } = shape;
  const name = `${mode}{${fields.map(({ key, kind }) => `${key}:${kind}`).join()}}`;
  return composed(
    name,
    fields.map(({ one }) => one),
    (closed) => objectSchema(shape, closed),
    objectValue(shape),
  );
}

/** Both sides list their properties; closed by hand they are one object. */
function intersectionOf(all: Field[], split: number, wrap: string): One {
  const [left, right] = [all.slice(0, split), all.slice(split)];
  const around =
    WRAPS[wrap === 'transform' || wrap === 'pipe' ? 'readonly' : wrap] ?? ((schema: Zod) => schema);
  return composed(
    `and{${left.map(({ key }) => key).join()}|${wrap}:${right.map(({ key }) => key).join()}}`,
    all.map(({ one }) => one),
    (closed) =>
      closed
        ? objectSchema({ fields: all, mode: 'strict' }, true)
        : objectSchema({ fields: left, mode: 'strip' }, false).and(
            around(objectSchema({ fields: right, mode: 'strip' }, false)),
          ),
    objectValue({ fields: all, mode: 'strict' }),
  );
}

function treeOf(one: One): One {
  const make = (closed: boolean): Zod => {
    const shape = {
      v: one.make(closed),
      get kids(): Zod {
        return z.array(node).default([]);
      },
    };
    const node: Zod = closed ? z.strictObject(shape) : z.object(shape);
    return node;
  };
  const { tree } = fc.letrec((tie) => ({
    tree: fc.record(
      { v: one.value, kids: fc.array(tie('tree'), { maxLength: 1 }) },
      { requiredKeys: ['v'], noNullPrototype: true },
    ),
  }));
  return composed('tree', [one], make, tree);
}

function discriminatedOf(fields: Field[]): One {
  const branches = fields.map((field, index) => ({ fields: [field], tag: `t${index}` }));
  return composed(
    'union',
    fields.map(({ one }) => one),
    (closed) => {
      const [first, ...others] = branches.map((branch) =>
        objectSchema({ fields: branch.fields, mode: 'strip' }, closed).extend({ tag: z.literal(branch.tag) }),
      );
      return first === undefined ? z.never() : z.discriminatedUnion('tag', [first, ...others]);
    },
    fc.oneof(
      ...branches.map((branch) =>
        objectValue({ fields: branch.fields, mode: 'strip' }).map((value) => ({ ...value, tag: branch.tag })),
      ),
    ),
  );
}

const KINDS: Field['kind'][] = ['plain', 'plain', 'optional', 'nullish', 'default', 'prefault'];

function fieldsOf(one: fc.Arbitrary<One>, minLength = 0): fc.Arbitrary<Field[]> {
  const field = fc.record({ key: fc.constantFrom(...KEYS), one, kind: fc.constantFrom(...KINDS) });
  return fc.uniqueArray(field, { selector: ({ key }) => key, minLength, maxLength: 3 });
}

/** Schemas of Zod 4 of any shape. */
export const schemas: fc.Arbitrary<One> = fc.letrec<{ any: One }>((tie) => {
  const any = tie('any');
  const fields = fieldsOf(any);
  const mode = fc.constantFrom<Mode>('strip', 'strip', 'strict', 'loose', 'catchall');
  return {
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaves,
      fc.record({ fields, mode }).map(objectOf),
      any.map((one) =>
        composed(
          'array',
          [one],
          (closed) => z.array(one.make(closed)).max(3),
          fc.array(one.value, { maxLength: 3 }),
        ),
      ),
      fc.tuple(any, any).map(([a, b]) =>
        composed(
          'tuple',
          [a, b],
          (closed) => z.tuple([a.make(closed)], b.make(closed)),
          fc.tuple(a.value, fc.array(b.value, { maxLength: 2 })).map(([first, rest]) => [first, ...rest]),
        ),
      ),
      any.map((one) =>
        composed(
          'record',
          [one],
          (closed) => z.record(z.string().max(3), one.make(closed)),
          fc.dictionary(fc.constantFrom('k', 'l/m', 'abc'), one.value, { noNullPrototype: true }),
        ),
      ),
      any.map((one) =>
        composed(
          'partialRecord',
          [one],
          (closed) => z.partialRecord(z.enum(['p', 'q']), one.make(closed)),
          fc.dictionary(fc.constantFrom('p', 'q'), one.value, { noNullPrototype: true }),
        ),
      ),
      fc
        .tuple(any, any)
        .map(([a, b]) =>
          composed(
            'union',
            [a, b],
            (closed) => z.union([a.make(closed), b.make(closed)]),
            fc.oneof(a.value, b.value),
          ),
        ),
      fieldsOf(any, 1).map(discriminatedOf),
      fc
        .tuple(fieldsOf(any, 1), fc.nat(3), wrapName)
        .map(([all, split, wrap]) => intersectionOf(all, split, wrap)),
      any.map(treeOf),
      any.map((one) =>
        composed('nullable', [one], (closed) => one.make(closed).nullable(), fc.option(one.value)),
      ),
      fc.tuple(any, wrapName).map(([one, name]) => wrapped(one, name)),
    ),
  };
}).any;
