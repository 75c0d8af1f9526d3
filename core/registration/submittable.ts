import type { Policy } from '../definitions/policy.ts';
import { type LimitKey, limitKeys, withKeys } from '../limits/key.ts';
import { poolRules } from '../limits/pool_rules.ts';
import { judgeTaskPayload, type Versioned } from '../payload.ts';
import type { Parsed } from '../schema.ts';
import type { TaskDefinition } from '../task.ts';
import { type StepRow, stepRows } from '../workflows/graph.ts';
import { schemaHashOf } from './schema_hash.ts';

/** The parts of a policy that decide about a submission. */
export type SubmissionPolicy = Pick<Policy, 'priority' | 'maxAttempts' | 'dedup' | 'callbackUrl'>;

/**
 * The parts of a definition that a submission needs. This process has the definition, or only runners of
 * another repository have it.
 */
export type Submittable = {
  readonly name: string;
  readonly namespace: string;
  readonly version: string;
  /** The older versions whose payloads it takes. */
  readonly olderVersions: readonly string[];
  /** Changes if its schemas change. */
  readonly schemaHash: string;
  readonly policy: SubmissionPolicy;
  /** For a workflow: the rows of its steps. */
  readonly steps: readonly StepRow[] | null;
  /** Validates the payload of a version: gives at most `most` problems. Never rejects. */
  readonly judge: (task: Versioned, path: string, most?: number) => Parsed | Promise<Parsed>;
  /**
   * The keys of the limits of a payload that fits, for a definition with a rule by key: its tasks wait for
   * slots from their submission on. Null if they cannot be computed.
   */
  readonly limitKeys?: ((task: Versioned) => Promise<LimitKey[] | null>) | undefined;
};

const known = new WeakMap<TaskDefinition, Submittable>();

/** A definition of this process, as a submission sees it. Its own schema validates (specification D1). */
export function submittable(definition: TaskDefinition): Submittable {
  const made = known.get(definition) ?? make(definition);
  known.set(definition, made);
  return made;
}

function make(definition: TaskDefinition): Submittable {
  const { name, namespace, version, upcasts, policy, graph } = definition;
  return {
    name,
    namespace,
    version,
    olderVersions: [...upcasts.keys()],
    get schemaHash() {
      return schemaHashOf(definition);
    },
    policy,
    steps: graph === undefined ? null : stepRows(graph),
    judge: async (task, path, most) =>
      withKeys(await judgeTaskPayload(definition, task, path, most), policy, path),
    limitKeys: limitKeysOf(definition),
  };
}

/**
 * Without a rule by key there are no turns: then the tasks are dispatched, and runners hand slots on without
 * the ledger.
 */
function limitKeysOf(definition: TaskDefinition): Submittable['limitKeys'] {
  const rules = poolRules(definition.policy);
  if (!rules.some(({ isKeyed }) => isKeyed)) return undefined;
  return async (task) => {
    const parsed = await judgeTaskPayload(definition, task, '');
    const made = parsed.ok ? limitKeys(rules, parsed.value) : null;
    return made?.ok === true ? made.keys : null;
  };
}

/** Whether a submission may name this version: that of the definition, or an older one that it takes. */
export function takesVersion({ version, olderVersions }: Submittable, asked: string): boolean {
  return asked === version || olderVersions.includes(asked);
}
