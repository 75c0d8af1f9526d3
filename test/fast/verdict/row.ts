import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import type { Schema } from '../../../core/schema.ts';
import { makeDefinition, type TaskDefinition } from '../../../core/task.ts';

/** A payload that fits, and what the handler gets for it. */
export type Fit = { payload: unknown; value: unknown };

/** A payload that does not fit: the paths of its details in the payload and, for some, how their messages begin. */
export type Misfit = { payload: unknown; paths: string[]; messages: Record<string, string> };

/** A schema, and payloads with the verdict that each must get everywhere. */
export type Row = {
  name: string;
  /** Fresh at each call, as a definition would write it. */
  schema: () => Schema;
  /** The same with each object closed by hand: what Zod itself says to it is the verdict. */
  twin: () => Schema;
  fits: Fit[];
  misfits: Misfit[];
};

/** In the place of a value of `field`: its key is not there at all. */
export const ABSENT = Symbol('absent');

class Given {
  readonly value: unknown;
  readonly output: unknown;

  constructor(value: unknown, output: unknown) {
    this.value = value;
    this.output = output;
  }
}

/** A value that the schema makes something else of. */
export function into(value: unknown, output: unknown): Given {
  return new Given(value, output);
}

class Refused {
  readonly value: unknown;
  readonly told: [path: string, message: string][];

  constructor(value: unknown, told: [path: string, message: string][]) {
    this.value = value;
    this.told = told;
  }
}

/** A wrong value and where, as JSON Pointers in the value. */
export function at(value: unknown, ...paths: string[]): Refused {
  return new Refused(
    value,
    paths.map((path) => [path, '']),
  );
}

/** A wrong value, where, and how the message begins. */
export function told(value: unknown, ...told: [path: string, message: string][]): Refused {
  return new Refused(value, told);
}

type Values = {
  /** Each is what the handler gets, unless it is given by `into`. */
  fits: unknown[];
  /** Each is wrong as a whole, unless it is given by `at` or `told`. */
  refused: unknown[];
  /** When the schema has objects to close. */
  twin?: () => Schema;
};

/** A row about the property `x` of a payload. */
export function field(name: string, schema: () => Schema, { fits, refused, twin = schema }: Values): Row {
  return {
    name,
    schema: () => objectWith(schema(), false),
    twin: () => objectWith(twin(), true),
    fits: fits.map((one) => {
      const { value, output } = one instanceof Given ? one : new Given(one, one);
      return { payload: payloadWith(value), value: payloadWith(output) };
    }),
    misfits: refused.map((one) => toMisfit(one, '/x', payloadWith)),
  };
}

/** A row about whole payloads. */
export function whole(name: string, schema: () => Schema, { fits, refused, twin = schema }: Values): Row {
  return {
    name,
    schema,
    twin,
    fits: fits.map((one) => {
      const { value, output } = one instanceof Given ? one : new Given(one, one);
      return { payload: value, value: output };
    }),
    misfits: refused.map((one) => toMisfit(one, '', (value) => value)),
  };
}

function toMisfit(one: unknown, prefix: string, payloadOf: (value: unknown) => unknown): Misfit {
  const { value, told } = one instanceof Refused ? one : at(one, '');
  const full = told.map(([path, message]): [string, string] => [`${prefix}${path}`, message]);
  return {
    payload: payloadOf(value),
    paths: full.map(([path]) => path).toSorted(),
    messages: Object.fromEntries(full.filter(([, message]) => message !== '')),
  };
}

function payloadWith(value: unknown): Record<string, unknown> {
  return value === ABSENT ? {} : { x: value };
}

function objectWith(x: Schema, strict: boolean): Schema {
  if ('_zod' in x) return strict ? z.strictObject({ x }) : z.object({ x });
  return strict ? z3.object({ x }).strict() : z3.object({ x });
}

/** The definition of a row; the name of its task is `corpus.` and the row's number. */
export function definitionOf(row: Row, index: number): TaskDefinition {
  return makeDefinition(
    {
      name: `corpus.row-${index}`,
      version: '1',
      description: row.name,
      payload: row.schema(),
      example: row.fits[0]?.payload,
      // One attempt, so that what is wrongly taken for a passing failure fails its test at once.
      policy: { dedup: { strategy: 'none' }, maxAttempts: 1 },
    },
    `the corpus: ${row.name}`,
  );
}
