import { z } from 'zod';
import type { Checker } from '../definitions/check.ts';
import { DEDUP_STRATEGIES } from '../definitions/policy.ts';
import { namespaceOf } from '../task.ts';
import type { StepRow } from '../workflows/graph.ts';
import type { SubmissionPolicy, Submittable } from './submittable.ts';

/** A definition as its repository has registered it, without its schemas. */
export type RegisteredTask = {
  name: string;
  version: string;
  /** The older versions whose payloads it takes. */
  upcasts: string[];
  schema_hash: string;
  policy: unknown;
  steps: StepRow[] | null;
};

/** Another Errand may have registered the policy, so only what a submission needs is read, with its default. */
const policySchema = z.object({
  priority: z.int().catch(0),
  maxAttempts: z.int().catch(25),
  dedup: z
    .object({
      strategy: z.enum(DEDUP_STRATEGIES).catch('payload'),
      windowSeconds: z.int().optional().catch(undefined),
    })
    .catch({ strategy: 'payload' }),
  debounceSeconds: z.int().optional().catch(undefined),
  debounceMaxSeconds: z.int().optional().catch(undefined),
  throttleSeconds: z.int().optional().catch(undefined),
  callbackUrl: z.string().optional().catch(undefined),
  expiresInSeconds: z.int().optional().catch(undefined),
});

/** The rules of its limits, of which only the keys are read. */
const rulesSchema = z
  .array(z.object({ isKeyed: z.boolean().catch(false) }).catch({ isKeyed: false }))
  .catch([]);
const limitsSchema = z
  .object({ concurrency: rulesSchema, rate: rulesSchema })
  .catch({ concurrency: [], rate: [] });

function hasKeys(policy: unknown): boolean {
  const { concurrency, rate } = limitsSchema.parse(policy);
  return [...concurrency, ...rate].some(({ isKeyed }) => isKeyed);
}

/**
 * A registered definition, as a submission sees it. `check` is the checker of its JSON Schema, which accepts
 * all that its repository accepts (specification D1): the runner decides, and applies the defaults. Payloads
 * of older versions, and all payloads without a checker, are left to the runner.
 */
export function registeredTask(task: RegisteredTask, check: Checker | null): Submittable {
  return {
    name: task.name,
    namespace: namespaceOf(task.name),
    version: task.version,
    olderVersions: task.upcasts,
    schemaHash: task.schema_hash,
    policy: policySchema.parse(task.policy) satisfies SubmissionPolicy,
    steps: task.steps,
    hasKeys: hasKeys(task.policy),
    judge({ version, payload }, path, most) {
      const details = version === task.version && check !== null ? check(payload, path, most) : [];
      return details.length === 0 ? { ok: true, value: payload } : { ok: false, details };
    },
  };
}
