import { z } from 'zod';
import { createRegistry } from '../../core/registry.ts';
import { defineTask } from '../../core/task.ts';

/**
 * The tasks that the ledger is filled with, their shares of all tasks, and their typical durations.
 * The rarest kind is one task in a hundred.
 */
export const KINDS = [
  { name: 'mail.send_receipt', share: 0.35, typicalMs: 40 },
  { name: 'mail.send_digest', share: 0.1, typicalMs: 120 },
  { name: 'billing.charge_card', share: 0.15, typicalMs: 400 },
  { name: 'billing.make_invoice', share: 0.1, typicalMs: 250 },
  { name: 'media.resize_image', share: 0.15, typicalMs: 900 },
  { name: 'media.transcode_clip', share: 0.05, typicalMs: 6_000 },
  { name: 'search.index_document', share: 0.09, typicalMs: 20 },
  { name: 'search.rebuild_shard', share: 0.01, typicalMs: 3_000 },
] as const;

/** The definitions of these tasks. */
export const registry = createRegistry(
  KINDS.map(({ name }) =>
    defineTask({
      name,
      version: '1.0.0',
      description: 'A task of the benchmark.',
      payload: z.strictObject({ order: z.int(), customer: z.int(), channel: z.string() }),
      result: z.strictObject({ reference: z.string() }),
      example: { order: 1, customer: 1, channel: 'web' },
    }),
  ),
);
