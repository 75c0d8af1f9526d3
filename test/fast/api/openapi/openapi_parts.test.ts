import { expect, test } from 'vitest';
import { definitionSchemas } from '../../../../api/openapi/schemas/definition_schemas.ts';
import type { JsonSchema } from '../../../../core/schema.ts';
import type { TaskDefinition } from '../../../../core/task.ts';
import { textTask } from '../definitions.ts';

/** A task with a payload that is described by this JSON Schema. */
const taking = (name: string, payloadJsonSchema: JsonSchema): TaskDefinition => ({
  ...textTask(name, {}),
  payloadJsonSchema,
});
const component = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const def = (key: string) => ({ $ref: `#/$defs/${key}` });
const object = (properties: Record<string, unknown>, more: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties,
  ...more,
});
const address = object({ city: { type: 'string' } });

test('a part with an id is a component of that name', () => {
  const schema = object({ to: def('Address') }, { $defs: { Address: address } });
  expect(definitionSchemas([taking('shop.order', schema)])).toEqual({
    'shop.order.payload': object({ to: component('Address') }),
    Address: address,
  });
});

test('two definitions that have the same part share it', () => {
  const schema = object({ to: def('Address') }, { $defs: { Address: address } });
  const made = definitionSchemas([
    taking('shop.order', schema),
    taking('shop.refund', structuredClone(schema)),
  ]);
  expect(Object.keys(made).sort()).toEqual(['Address', 'shop.order.payload', 'shop.refund.payload']);
  expect(made['shop.refund.payload']).toEqual(object({ to: component('Address') }));
});

test('another part under the same id gets the name of its task', () => {
  const other = object({ zip: { type: 'string' } });
  const made = definitionSchemas([
    taking('shop.order', object({ to: def('Address') }, { $defs: { Address: address } })),
    taking('shop.refund', object({ to: def('Address') }, { $defs: { Address: other } })),
  ]);
  expect(made.Address).toEqual(address);
  expect(made['shop.refund.payload.Address']).toEqual(other);
  expect(made['shop.refund.payload']).toEqual(object({ to: component('shop.refund.payload.Address') }));
});

test('parts that look alike and refer to different ones are different', () => {
  const withCity = (city: JsonSchema) =>
    object({ to: def('Address') }, { $defs: { Address: object({ city: def('City') }), City: city } });
  const made = definitionSchemas([
    taking('a.one', withCity({ type: 'string' })),
    taking('a.two', withCity({ type: 'integer' })),
  ]);
  expect(made.Address).toEqual(object({ city: component('City') }));
  expect(made['a.two.payload.Address']).toEqual(object({ city: component('a.two.payload.City') }));
  expect(made['a.two.payload.City']).toEqual({ type: 'integer' });
});

test('an id that the document needs itself stays its own', () => {
  const schema = object({ to: def('Task') }, { $defs: { Task: address } });
  const made = definitionSchemas([taking('shop.order', schema)], ['Task']);
  expect(made).toEqual({
    'shop.order.payload': object({ to: component('shop.order.payload.Task') }),
    'shop.order.payload.Task': address,
  });
});

test('a recursive part without an id is named after its task, and a payload may contain itself', () => {
  const node = object({ children: { type: 'array', items: def('__schema0') } });
  const schema = object({ root: def('__schema0'), more: { $ref: '#' } }, { $defs: { __schema0: node } });
  expect(definitionSchemas([taking('a.tree', schema), taking('b.tree', structuredClone(schema))])).toEqual(
    Object.fromEntries(
      ['a.tree.payload', 'b.tree.payload'].flatMap((name) => [
        [name, object({ root: component(`${name}.schema0`), more: component(name) })],
        [`${name}.schema0`, object({ children: { type: 'array', items: component(`${name}.schema0`) } })],
      ]),
    ),
  );
});

test('a part that refers to the whole is not that of another whole', () => {
  const schema = (more: JsonSchema) =>
    object({ next: def('Link'), ...more }, { $defs: { Link: object({ to: { $ref: '#' } }) } });
  const made = definitionSchemas([
    taking('a.one', schema({})),
    taking('a.two', schema({ extra: { type: 'null' } })),
  ]);
  expect(made.Link).toEqual(object({ to: component('a.one.payload') }));
  expect(made['a.two.payload.Link']).toEqual(object({ to: component('a.two.payload') }));
});

test('names with other letters become component names', () => {
  const schema = object(
    { a: def('a~1b c'), b: def(encodeURIComponent('a~1b c')) },
    { $defs: { 'a/b c': address } },
  );
  const made = definitionSchemas([taking('shop.order', schema)]);
  expect(made['shop.order.payload']).toEqual(object({ a: component('a_b_c'), b: component('a_b_c') }));
  expect(made.a_b_c).toEqual(address);
});

test('values and properties that are called like a reference are none', () => {
  const schema = object(
    {
      $ref: { type: 'string' },
      const: def('Address'),
      given: { const: { $ref: '#/nowhere' }, default: { $ref: 1 } },
    },
    { $defs: { Address: address } },
  );
  expect(definitionSchemas([taking('shop.order', schema)])['shop.order.payload']).toEqual(
    object({
      $ref: { type: 'string' },
      const: component('Address'),
      given: { const: { $ref: '#/nowhere' }, default: { $ref: 1 } },
    }),
  );
});

test('a reference that does not exist in the document is refused, with the name of the schema', () => {
  expect(() => definitionSchemas([taking('shop.order', object({ a: def('None') }))])).toThrow(
    /shop\.order\.payload refers to #\/\$defs\/None/,
  );
});
