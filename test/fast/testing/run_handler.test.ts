import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../../core/errors.ts';
import { defineHandler, defineTask } from '../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { runHandler, runStep } from '../../../testing/index.ts';

const order = defineTask({
  name: 'shop.order',
  version: '2.0.0',
  upcast: { '1.0.0': (old) => ({ count: z.object({ n: z.number() }).parse(old).n }) },
  description: 'Orders something',
  payload: z.object({ count: z.number(), at: z.coerce.date().default(new Date(0)) }),
  example: { count: 1 },
  result: z.object({ total: z.number(), at: z.date() }),
});
const mail = defineTask({
  name: 'shop.mail',
  version: '1.0.0',
  description: 'Sends a mail',
  payload: z.object({ to: z.email() }),
  example: { to: 'a@example.com' },
});

describe('runHandler', () => {
  const handler = defineHandler(order, async ({ count, at }, context) => {
    context.log.debug('not stored');
    context.log.info({ count }, 'ordering');
    context.progress(0.5, 'half');
    context.progress(2);
    await context.submit(mail, { to: 'ann@example.com' }, { delayMs: 60_000, tags: ['order'] });
    return { total: count * context.attempt, at };
  });

  test('parses the payload, collects what the handler does, and gives the result as JSON', async () => {
    const run = await runHandler(handler, { count: 3 }, { attempt: 2 });
    expectTypeOf(run.result).toEqualTypeOf<{ total: number; at: string }>();
    expect(run).toEqual({
      result: { total: 6, at: '1970-01-01T00:00:00.000Z' },
      log: [{ level: 'info', message: 'ordering', fields: { count: 3 } }],
      progress: [
        { fraction: 0.5, note: 'half' },
        { fraction: 1, note: null },
      ],
      submitted: [
        expect.objectContaining({
          ...{ name: 'shop.mail', payload: { to: 'ann@example.com' } },
          ...{ delayMs: 60_000, tags: ['order'], dedupKey: null },
        }),
      ],
    });
  });

  test('gives the handler the time of a schedule, if the test chooses one', async () => {
    const dated = defineHandler(mail, (_payload, { scheduledFor }) => scheduledFor);
    const scheduledFor = new Date('2026-03-29T01:30:00Z');
    const to = { to: 'ann@example.com' };
    expect((await runHandler(dated, to, { scheduledFor })).result).toBe('2026-03-29T01:30:00.000Z');
    expect((await runHandler(dated, to)).result).toBeNull();
  });

  test('takes a payload of an older version', async () => {
    const old = { n: 4 } as unknown as { count: number };
    expect((await runHandler(handler, old, { version: '1.0.0' })).result.total).toBe(4);
  });

  test('refuses a payload that does not fit, as a runner does', async () => {
    // @ts-expect-error: the payload is typed by the definition
    const running = runHandler(handler, { count: 'three' });
    await expect(running).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'VALIDATION_FAILED',
      metadata: { details: [{ path: '/payload/count' }] },
    });
  });

  test('refuses a result or a submitted task that does not fit', async () => {
    const wrong = defineHandler(order, () => ({ total: 'many' }) as unknown as { total: number; at: Date });
    await expect(runHandler(wrong, { count: 1 })).rejects.toMatchObject({ code: 'INVALID_RESULT' });
    const misdirected = defineHandler(order, ({ at }, { submit }) => {
      void submit(mail, { to: 'nobody' });
      return { total: 1, at };
    });
    await expect(runHandler(misdirected, { count: 1 })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  test('throws what the handler throws', async () => {
    const error = new PermanentError('sold out');
    const failing = defineHandler(order, () => {
      throw error;
    });
    await expect(runHandler(failing, { count: 1 })).rejects.toBe(error);
  });

  test('an aborted signal cancels the attempt, whatever it gives', async () => {
    const controller = new AbortController();
    const waiting = defineHandler(order, async ({ at }, { signal }) => {
      controller.abort();
      return { total: signal.aborted ? 0 : 1, at };
    });
    await expect(runHandler(waiting, { count: 1 }, controller)).rejects.toMatchObject({ kind: 'cancelled' });
  });

  test('takes only the result of defineHandler', async () => {
    const plain = () => ({ total: 1, at: new Date() });
    await expect(runHandler(plain, { count: 1 })).rejects.toThrow(
      'runHandler takes the result of defineHandler',
    );
  });
});

describe('runStep', () => {
  const campaign = defineWorkflow({
    name: 'shop.campaign',
    version: '1.0.0',
    description: 'Mails everybody',
    payload: z.object({ list: z.string() }),
    example: { list: 'all' },
    steps: {
      read: step({ result: z.array(z.string()) }),
      gift: step({ after: ['read'], conditional: true }),
      mail: step({ after: ['read'], map: mail }),
    },
  });
  const steps = defineSteps(campaign, {
    steps: {
      read: { handler: ({ list }) => [`${list}@example.com`] },
      gift: { when: ({ results }) => results.read.length > 1, handler: () => 'a gift' },
      mail: { payloads: ({ results }) => results.read.map((to) => ({ to })) },
    },
  });

  test('gives the result of a step', async () => {
    expect(await runStep(steps, 'read', { list: 'ann' })).toMatchObject({
      result: ['ann@example.com'],
      skipped: false,
    });
  });

  test('gives the results of the steps before, and the tasks that it starts', async () => {
    const run = await runStep(
      steps,
      'mail',
      { list: 'x' },
      { results: { read: ['a@example.com', 'b@example.com'] } },
    );
    expect(run.children).toMatchObject([
      { name: 'shop.mail', payload: { to: 'a@example.com' } },
      { name: 'shop.mail', payload: { to: 'b@example.com' } },
    ]);
    // @ts-expect-error: results are typed by the steps
    const wrong = runStep(steps, 'mail', { list: 'x' }, { results: { read: [1] } });
    await expect(wrong).rejects.toThrow('Item 0 of the step `mail` does not fit shop.mail');
  });

  test('says that a step was skipped', async () => {
    const run = await runStep(steps, 'gift', { list: 'x' }, { results: { read: [] } });
    expect(run).toMatchObject({ skipped: true, result: null });
  });

  test('names the steps if there is no such step', async () => {
    // @ts-expect-error: names are typed by the steps
    await expect(runStep(steps, 'pay', { list: 'x' })).rejects.toThrow('it has read, gift, mail');
  });
});
