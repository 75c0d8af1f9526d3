import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { z as z3 } from 'zod/v3';
import { zodToJsonSchema } from 'zod-to-json-schema';
import { buildOpenApi } from '../../../../api/openapi/build.ts';
import { toJsonSchema } from '../../../../core/json_schema/describe.ts';
import { defineTask } from '../../../../core/task.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { registryWith } from '../definitions.ts';
import { expectRefused } from '../ledger.ts';

vi.mock('zod-to-json-schema', { spy: true });

const old = defineTask({
  name: 'old.letter',
  version: '1',
  description: 'For this test, as a service brings it along',
  payload: z3.object({
    to: z3.string().email(),
    copies: z3.number().int().min(1).default(1),
    address: z3.object({ street: z3.string(), country: z3.enum(['DE', 'FR']).optional() }),
    lines: z3.array(z3.string().max(80)).max(3).optional(),
  }),
  result: z3.object({ sent: z3.number() }),
  example: { to: 'ann@example.com', address: { street: 'High Street 1' } },
});

const { pool } = await createDatabase();
const api = await startApi(pool, { registry: registryWith(old) });
const PATH = '/v1/tasks/old.letter';
const address = { street: 'High Street 1' };

test('a zod/v3 definition has a real schema, closed and with its bounds', () => {
  const schema = buildOpenApi([old]).components.schemas['old.letter.payload'];
  expect(schema).toEqual({
    type: 'object',
    additionalProperties: false,
    required: ['to', 'address'],
    properties: {
      to: { type: 'string', description: 'email' },
      copies: { type: 'integer', minimum: 1, default: 1 },
      address: {
        type: 'object',
        additionalProperties: false,
        required: ['street'],
        properties: { street: { type: 'string' }, country: { type: 'string', enum: ['DE', 'FR'] } },
      },
      lines: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 80 } },
    },
  });
  expect(new Ajv2020({ strict: false }).validate(schema ?? {}, old.example)).toBe(true);
});

test('it is submitted, validated and executed like any other', async () => {
  await startTestRunner(pool, {
    registeredHandlers: new Map([
      registeredHandler(old, (payload) => ({ sent: (payload as { copies: number }).copies })),
    ]),
  });
  const { status, body } = await api.call('POST', `${PATH}?wait=20`, {
    payload: { to: 'ann@example.com', address },
  });
  expect(status).toBe(201);
  expect(body.task).toMatchObject({
    state: 'succeeded',
    payload: { to: 'ann@example.com', address },
    result: { sent: 1 },
  });
});

test('what is wrong is refused with its path and value, unknown fields too', async () => {
  const payload = {
    to: 'nobody',
    copies: 0.5,
    address: { street: 5, country: 'GB', town: 'x' },
    lines: ['a', 'b', 'c', 'd'],
    more: 1,
  };
  const message = (text: string) => expect.stringContaining(text);
  await expectRefused(api, pool, () => api.call('POST', PATH, { payload }), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [
      { path: '/body/payload/to', message: message('Invalid email, got "nobody"') },
      { path: '/body/payload/copies', message: message('must be integer, got 0.5') },
      { path: '/body/payload/copies', message: message('greater than or equal to 1, got 0.5') },
      { path: '/body/payload/address/street', message: message('must be string, got 5') },
      { path: '/body/payload/address/country', message: message('got "GB"') },
      { path: '/body/payload/address/town', message: message('got "x"') },
      { path: '/body/payload/lines', message: message('at most 3 element(s)') },
      { path: '/body/payload/more', message: message('got 1') },
    ],
  });
});

test('only zod/v3 schemas go through zod-to-json-schema, which gives an empty schema for a Zod 4 object', () => {
  const spy = vi.mocked(zodToJsonSchema);
  spy.mockClear();
  for (const { payload, result } of definitions) {
    toJsonSchema(payload);
    if (result !== undefined) toJsonSchema(result);
  }
  expect(toJsonSchema(z.object({ a: z.string() }))).toMatchObject({ properties: { a: { type: 'string' } } });
  expect(spy).not.toHaveBeenCalled();
  toJsonSchema(old.payload);
  expect(spy).toHaveBeenCalled();
  expect(zodToJsonSchema(z.object({ a: z.string() }) as never)).not.toHaveProperty('properties');
});
