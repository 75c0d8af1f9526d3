import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { type Upcasts, upcastFrom } from '../../../../core/definitions/upcast.ts';
import { PermanentError } from '../../../../core/errors.ts';
import { judgeTaskPayload, parseTaskPayload, payloadInWords } from '../../../../core/payload.ts';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { defineWorkflow, step } from '../../../../core/workflow.ts';

const payload = z.object({ to: z.array(z.string()).min(1), copies: z.int().default(1) });

function define(upcast?: Upcasts<typeof payload>) {
  return defineTask({
    name: 'invoice.send',
    version: '2.1.0',
    description: 'For a test',
    payload,
    example: { to: ['ann'] },
    ...(upcast === undefined ? {} : { upcast }),
  });
}

const first = z.object({ recipient: z.string(), copies: z.coerce.number().optional() });
const send = define({
  '1.0.0': upcastFrom(first, ({ recipient, copies }) => ({
    to: [recipient],
    ...(copies === undefined ? {} : { copies }),
  })),
  '2.0.0': (old) => ({ to: z.object({ to: z.string() }).parse(old).to.split(',') }),
  '2.0.1': () => ({ to: [] }),
  '2.0.3': () => ({ to: ['ann'], copies: Number.NaN }),
  '2.0.2': (old) => Object.assign(old as object, { to: ['changed'] }),
});

const parse = (version: string, given: unknown) =>
  parseTaskPayload(send, { version, payload: given }, '/payload');

describe('the payload of an older version', () => {
  test('is brought to the newest, and judged by its schema, with its defaults', async () => {
    expect(await parse('1.0.0', { recipient: 'ann' })).toEqual({
      ok: true,
      value: { to: ['ann'], copies: 1 },
    });
    expect(await parse('1.0.0', { recipient: 'ann', copies: '3' })).toEqual({
      ok: true,
      value: { to: ['ann'], copies: 3 },
    });
    expect(await parse('2.0.0', { to: 'ann,bob' })).toEqual({
      ok: true,
      value: { to: ['ann', 'bob'], copies: 1 },
    });
  });

  test('stays as it was submitted, whatever its upcast does to it', async () => {
    const given = { to: 'ann' };
    expect(await parse('2.0.2', given)).toMatchObject({ ok: true, value: { to: ['changed'] } });
    expect(given).toEqual({ to: 'ann' });
  });

  test('that its upcast makes unfit has the problems of what that gave', async () => {
    expect(await parse('2.0.1', {})).toMatchObject({ ok: false, details: [{ path: '/payload/to' }] });
    expect(payloadInWords(send, { version: '2.0.1', payload: {} })).toBe(
      'The payload, after the upcast from version 2.0.1, does not fit invoice.send 2.1.0',
    );
  });

  test('that its upcast gives what JSON can not hold is unfit, too', async () => {
    expect(await parse('2.0.3', {})).toMatchObject({ ok: false, details: [{ path: '/payload/copies' }] });
  });

  test('without an upcast is judged as it is', async () => {
    expect(await parse('0.9.0', { to: ['ann'] })).toMatchObject({ ok: true });
    expect(await parse('0.9.0', { recipient: 'ann' })).toMatchObject({ ok: false });
    expect(payloadInWords(send, { version: '0.9.0', payload: {} })).toBe(
      'The payload of version 0.9.0 does not fit invoice.send 2.1.0',
    );
    expect(payloadInWords(send, { version: '2.1.0', payload: {} })).toBe(
      'The payload does not fit invoice.send 2.1.0',
    );
  });

  test('whose upcast throws fails for good, with what was thrown', async () => {
    const failing = parse('2.0.0', { to: 7 });
    await expect(failing).rejects.toBeInstanceOf(PermanentError);
    await expect(failing).rejects.toMatchObject({
      code: 'UPCAST_FAILED',
      message: expect.stringMatching(
        /^The upcast of invoice\.send from version 2\.0\.0 to 2\.1\.0 failed: .*expected string/s,
      ),
    });
    await expect(parse('1.0.0', { to: 'ann' })).rejects.toMatchObject({
      message: expect.stringContaining(
        'the payload does not fit the schema of its version: /payload/recipient ',
      ),
    });
    expect(await judgeTaskPayload(send, { version: '2.0.0', payload: {} }, '/body/payload')).toMatchObject({
      ok: false,
      details: [{ path: '/body/payload', message: expect.stringMatching(/^The upcast of invoice\.send/) }],
    });
  });

  test('of a workflow is brought to the newest in its steps, too', async () => {
    const flow = defineWorkflow({
      name: 'invoice.flow',
      version: '2',
      description: 'For a test',
      payload,
      example: { to: ['ann'] },
      upcast: { '1': () => ({ to: ['bob'] }) },
      steps: { a: step({}) },
    });
    const definitions: TaskDefinition[] = [flow, ...flow.graph.steps.map(({ definition }) => definition)];
    for (const definition of definitions)
      expect(await parseTaskPayload(definition, { version: '1', payload: {} }, '')).toMatchObject({
        ok: true,
        value: { to: ['bob'] },
      });
  });
});

describe('an upcast is refused when it loads, with the file', () => {
  test.each(['2.1.0', '2.1', 'v2.1.0', '3.0.0', '2.1.0+build'])(
    'from %s, which is not older than 2.1.0',
    (version) => {
      const why = `upcast: the version ${version} is not older than 2.1.0`;
      expect(() => define({ [version]: () => ({ to: ['x'] }) })).toThrow(why);
      expect(() => define({ [version]: () => ({ to: ['x'] }) })).toThrow('upcast.test.ts');
    },
  );

  test('from what is no version', () => {
    expect(() => define({ '1 beta': () => ({ to: ['x'] }) })).toThrow(
      'upcast: the version "1 beta" must match',
    );
  });
});

test('types: what is made must be an input of the newest schema, and the older schema says what comes', () => {
  upcastFrom(first, (old) => {
    expectTypeOf(old).toEqualTypeOf<{ recipient: string; copies?: number | undefined }>();
    // @ts-expect-error there is no such field
    void old.to;
    return {};
  });
  const task = {
    name: 'invoice.send' as const,
    version: '2',
    description: '',
    payload,
    example: { to: ['ann'] },
  };
  defineTask({ ...task, upcast: { '1': (old) => ({ to: [String(old)] }) } });
  // @ts-expect-error nobody knows what it is
  defineTask({ ...task, upcast: { '1': (old) => ({ to: [old.recipient] }) } });
  // @ts-expect-error no list
  defineTask({ ...task, upcast: { '1': () => ({ to: 'ann' }) } });
  // @ts-expect-error no list
  defineTask({ ...task, upcast: { '1': upcastFrom(first, ({ recipient }) => ({ to: recipient })) } });
});
