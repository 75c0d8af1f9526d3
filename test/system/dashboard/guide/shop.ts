import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { z } from 'zod';
import { PermanentError } from '../../../../core/errors.ts';
import { defineTask, type Handler, type TaskDefinition } from '../../../../core/task.ts';
import { defineSteps, defineWorkflow, step } from '../../../../core/workflow.ts';
import type { RegisteredHandler } from '../../../../runner/execute/execute.ts';
import { registeredHandlersOf } from '../../../fast/workflows/workflows.ts';
import { registeredHandler } from '../../../support/runner.ts';

// A shop with tasks that a reader of the guide of the dashboard can imagine.

const policy = { dedup: { strategy: 'none' }, maxAttempts: 3 } as const;

const invoice = defineTask({
  name: 'billing.send_invoice',
  version: '2.4.0',
  description: 'Charges the card of a customer, and sends the invoice.',
  payload: z.strictObject({
    invoice: z.string().describe('The number of the invoice'),
    customer: z.string().describe('The customer who gets it'),
    amount: z.number().min(0).describe('In euros'),
    method: z.enum(['card', 'transfer']).default('card').describe('How the customer pays'),
  }),
  result: z.strictObject({ receipt: z.string() }),
  policy,
  example: { invoice: 'R-1001', customer: 'Ada', amount: 12.5 },
});

const mail = defineTask({
  name: 'mail.send',
  version: '1.3.0',
  description: 'Sends one message.',
  payload: z.strictObject({ to: z.string(), subject: z.string() }),
  result: z.strictObject({ id: z.string() }),
  policy,
  example: { to: 'ada@example.com', subject: 'Your order' },
});

const resize = defineTask({
  name: 'media.resize',
  version: '1.0.2',
  description: 'Makes the small form of a picture.',
  payload: z.strictObject({ file: z.string(), width: z.int() }),
  result: z.strictObject({ bytes: z.int() }),
  policy,
  example: { file: 'cat.jpg', width: 320 },
});

const total = z.strictObject({ total: z.number() });

const monthEnd = defineWorkflow({
  name: 'billing.month_end',
  version: '1.1.0',
  description: 'Sends the invoices of a month, and closes its books.',
  payload: z.strictObject({ month: z.string(), invoices: z.int().min(1).max(100) }),
  steps: {
    close: step({ result: total }),
    invoices: step({ after: ['close'], map: invoice }),
    export: step({ after: ['close'], result: total }),
    report: step({ after: ['invoices', 'export'], result: total }),
    archive: step({ after: ['report'], result: total }),
  },
  policy,
  example: { month: '2026-10', invoices: 2 },
});

const monthEndCode = defineSteps(monthEnd, {
  steps: {
    close: { handler: () => pause(120, { total: 0 }) },
    invoices: {
      payloads: ({ payload }) =>
        Array.from({ length: payload.invoices }, (_, index) => ({
          ...{ invoice: `R-${2_000 + index}`, customer: index === 5 ? 'Grace' : 'Ada', amount: 10 + index },
        })),
    },
    export: { handler: () => pause(400, { total: 0 }) },
    report: { handler: (_payload, { results }) => ({ total: results.invoices.length }) },
    archive: { handler: () => ({ total: 0 }) },
  },
});

const sendInvoice: Handler<typeof invoice> = async ({ invoice: number, customer }, context) => {
  context.log.info({ invoice: number }, 'charging the card');
  await pause(40);
  if (customer === 'Grace')
    throw new PermanentError('the card of the customer has expired', { code: 'CARD_EXPIRED' });
  if (customer === 'Linus' && context.attempt < 4) throw new Error('the bank answered 503');
  context.log.info({ invoice: number }, 'sending the invoice');
  return { receipt: `receipt-${number}` };
};
const sendMail: Handler<typeof mail> = ({ to }) => {
  if (to.endsWith('.invalid'))
    throw new PermanentError(`no mail server for ${to.split('@')[1]}`, { code: 'NO_SERVER' });
  return { id: to };
};

export const shopDefinitions: TaskDefinition[] = [invoice, mail, resize, monthEnd] as TaskDefinition[];

/** What the runner of the shop executes. */
export function shopHandlers(pool: Pool): Map<string, RegisteredHandler> {
  return new Map([
    registeredHandler(invoice, sendInvoice),
    registeredHandler(mail, sendMail),
    registeredHandler(resize, () => ({ bytes: 4_096 })),
    ...registeredHandlersOf(pool, monthEnd, monthEndCode),
  ]);
}

/** Writes an hour of finished tasks, which the charts show. The same each time but for the clock. */
export async function fillHour(pool: Pool): Promise<void> {
  await pool.query(`update errand.rollup_watermark set rolled_up_to = now() - interval '70 minutes'`);
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, attempt, run_at, started_at, finished_at, payload, result, initiator)
     select (array['billing.send_invoice', 'mail.send', 'mail.send', 'media.resize'])[1 + n % 4],
            '1.0.0', case when n % 97 = 0 then 'cancelled' else 'succeeded' end, 0, 3, 1, at, at + wait, at + wait + took,
            '{"to":"ada@example.com"}', '{}', 'shop'
       from generate_series(1, 2600) n
      cross join lateral (
             select now() - interval '1 hour' + make_interval(secs => 3480.0 * power(n / 2600.0, 0.8 + 0.1 * sin(n / 300.0))) as at,
                    make_interval(secs => 0.02 + 0.05 * abs(sin(n * 12.9898))) as wait,
                    make_interval(secs => 0.06 + 0.3 * power(abs(sin(n * 78.233)), 6)) as took) t`,
  );
}
