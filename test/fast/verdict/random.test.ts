import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { parsePayload } from '../../../core/payload.ts';
import type { Parsed, Schema } from '../../../core/schema.ts';
import { makeDefinition, type TaskDefinition } from '../../../core/task.ts';
import type { Made } from './made.ts';
import { mutated } from './mutate.ts';
import { schemasV3 } from './random_v3.ts';
import { schemas } from './random_zod4.ts';
import { arrived, issuePaths, zodVerdict } from './zod_verdict.ts';

// Schemas, values that fit them, and values that fit them nearly. Libraries that make values of a Zod schema (zocker,
// zod-schema-faker) do not shrink, and what they can't make they make wrongly; zod-fast-check knows Zod 3 alone. So each
// combinator of the algebra says which values fit it.

type Case = { made: Made; fits: unknown; nearly: unknown };

function casesOf(all: fc.Arbitrary<Made>): fc.Arbitrary<Case> {
  return all.chain((made) =>
    made.value.chain((fits) =>
      fc.record({ made: fc.constant(made), fits: fc.constant(fits), nearly: mutated(fits) }),
    ),
  );
}

function payloadSchema(x: Schema, closed: boolean): Schema {
  if ('_zod' in x) return closed ? z.strictObject({ x }) : z.object({ x });
  return closed ? z3.object({ x }).strict() : z3.object({ x });
}

function definitionOf({ made, fits }: Case): TaskDefinition {
  const payload = payloadSchema(made.make(false), false);
  const example = { x: fits };
  return makeDefinition(
    { name: 'random.schema', version: '1', description: 'Random', payload, example },
    'random',
  );
}

const ajv = new Ajv2020({ strict: false });
formats.default(ajv);

const KINDS = [
  { kind: 'Zod 4', cases: casesOf(schemas) },
  { kind: 'zod/v3', cases: casesOf(schemasV3) },
];
const RUNS = { numRuns: 100 };

describe.each(KINDS)('any schema of $kind', ({ cases }) => {
  test("takes what Zod takes, gives what Zod gives, and tells what is wrong where Zod's issues are", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const definition = definitionOf(one);
        const twin = payloadSchema(one.made.make(true), true);
        expect(await zodVerdict(twin, { x: one.fits })).toMatchObject({ ok: true });
        for (const payload of [{ x: one.fits }, { x: one.nearly }, {}, { x: one.fits, y: 1 }]) {
          const parsed = await parsePayload(definition, arrived(payload), '/payload');
          const verdict = await zodVerdict(twin, payload);
          if (verdict.ok) expect({ payload, ...parsed }).toEqual({ payload, ...verdict });
          else expectSent(parsed, one.made.isPlain ? await issuePaths(twin, payload) : null);
        }
      }),
      RUNS,
    );
  });

  test('gives each parse values of its own, and leaves what came as it was', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const definition = definitionOf(one);
        for (const payload of [arrived({ x: one.fits }), {}]) {
          const before = structuredClone(payload);
          const first = await parsePayload(definition, payload, '');
          expect(payload).toEqual(before);
          const expected = structuredClone(first);
          scramble(first);
          expect(await parsePayload(definition, arrived(before), '')).toEqual(expected);
        }
      }),
      RUNS,
    );
  });

  test('is published as a JSON Schema that refuses nothing of what it takes', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const validate = ajv.compile(definitionOf(one).payloadJsonSchema);
        const twin = payloadSchema(one.made.make(true), true);
        for (const payload of [{ x: one.fits }, { x: one.nearly }, {}]) {
          if (!(await zodVerdict(twin, payload)).ok) continue;
          validate(arrived(payload));
          expect({ payload, errors: validate.errors }).toEqual({ payload, errors: null });
        }
      }),
      RUNS,
    );
  });
});

/** At the paths of Zod's own issues, or somewhere in the payload if a branch of a union had to be chosen. */
function expectSent(parsed: Parsed<unknown>, paths: string[] | null): void {
  expect(parsed).toMatchObject({ ok: false });
  if (parsed.ok) return;
  const told = new Set(parsed.details.map(({ path }) => path));
  if (paths === null) for (const path of told) expect(path).toMatch(/^\/payload(\/|$)/);
  else expect([...told].toSorted()).toEqual(paths.map((path) => `/payload${path}`));
  expect(parsed.details.length).toBeGreaterThan(0);
  const lines = parsed.details.map(({ path, message }) => `${path} ${message}`);
  expect(new Set(lines).size).toBe(lines.length);
}

/** Changes all that can be changed in a value: what another parse shares with it changes, too. */
function scramble(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  for (const part of Object.values(value)) scramble(part);
  if (value instanceof Date) value.setTime(0);
  else if (Array.isArray(value)) value.push('scrambled');
  else Reflect.set(value, 'scrambled', true);
}
