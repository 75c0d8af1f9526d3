import type { Pool } from 'pg';
import { z } from 'zod';
import type { Registry } from '../../../core/registry.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import type { Task } from '../../../store/tasks/tasks.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { registeredHandlersOf, stepOf, submitWorkflow } from '../workflows/workflows.ts';
import { registryWith, textTask } from './definitions.ts';

const FAST = { backoff: { initialMs: 1, maxMs: 1 } } as const;

/** What a step of the workflow makes of a text, in a namespace of its own. */
export const mail = textTask('mail.send', { dedup: { strategy: 'none' } });

const payload = z.strictObject({
  value: z.number(),
  mails: z.int().default(2).describe('How many are sent'),
  fail: z.array(z.string()).default([]).describe('Steps that fail'),
});

const paid = z.strictObject({ paid: z.number().min(0) });

/** reserve → pay → gift, if it is worth one; reserve → mails; all → close. */
export const order = defineWorkflow({
  name: 'shop.order',
  version: '1.0.0',
  description: 'For tests',
  payload,
  example: { value: 1 },
  result: z.strictObject({ paid: z.number(), gift: z.boolean() }),
  policy: { dedup: { strategy: 'none' } },
  steps: {
    reserve: step({ result: z.strictObject({ value: z.number() }) }),
    pay: step({ after: ['reserve'], result: paid, policy: { ...FAST, maxAttempts: 1 } }),
    mails: step({ after: ['reserve'], map: mail }),
    gift: step({ after: ['pay'], conditional: true }),
    close: step({ after: ['pay', 'mails', 'gift'], result: paid }),
  },
  onFailure: step({}),
});

const orderCode = defineSteps(order, {
  steps: {
    reserve: { handler: ({ value }) => ({ value }) },
    pay: {
      handler: ({ fail }, { results, attempt }) => {
        if (fail.includes('pay') && attempt === 1) throw new Error('card declined');
        return { paid: results.reserve.value };
      },
    },
    mails: {
      payloads: ({ payload }) => Array.from({ length: payload.mails }, (_, n) => ({ text: `mail ${n}` })),
    },
    gift: { when: ({ results }) => results.pay.paid > 100, handler: () => 'flowers' },
    close: { handler: (_payload, { results }) => results.pay },
  },
  output: ({ results }) => ({ paid: results.close.paid, gift: results.gift !== undefined }),
  onFailure: () => null,
});

/** The shipped definitions and these. */
export const shopRegistry: Registry = registryWith(order, mail);

/** Registers them in a database, as a runner would. */
export async function registerShop(pool: Pool): Promise<void> {
  await registerDefinitions(pool, shopRegistry.definitions);
}

/** Starts a runner that has the workflow and what it maps. */
export function startShop(pool: Pool): ReturnType<typeof startTestRunner> {
  const sendMail = registeredHandler(mail, () => 'sent');
  return startTestRunner(pool, {
    registeredHandlers: new Map([...registeredHandlersOf(pool, order, orderCode), sendMail]),
  });
}

/** A step of a workflow of its own. */
export async function freshStep(pool: Pool, name: string, of: object = {}): Promise<Task> {
  const { id } = await submitWorkflow(pool, order, { value: 1, mails: 1, fail: [], ...of });
  return stepOf(pool, id, name);
}

/** Where it is as a step. */
export function pathOf({ parent_id, id }: Pick<Task, 'parent_id' | 'id'>): string {
  return `/v1/tasks/${parent_id}/workflow_steps/${id}`;
}

/** Who resolves it, and why. */
export const SAID = { resolved_by: 'ann', reason: 'Paid in cash' };
