import type { RateRule } from './rates.ts';
import type { LimitRule } from './rules.ts';

/** A rule that holds in the complete pool, of either kind, as far as its key matters. */
export type PoolRule = Pick<LimitRule, 'name' | 'limit' | 'isKeyed' | 'key'> & { isRate: boolean };

/**
 * The rules of a policy that hold in the complete pool: of what runs at a time, and of what starts in a
 * period. They are in the order in which a task waits for them: without key first, then by name.
 */
export function poolRules({ concurrency = [], rate = [] }: LimitsOfPolicy): PoolRule[] {
  const slots = concurrency.filter(({ scope }) => scope === 'pool');
  return [
    ...slots.map((rule) => ({ ...rule, isRate: false })),
    ...rate.map((rule) => ({ ...rule, isRate: true })),
  ].toSorted((one, other) => Number(one.isKeyed) - Number(other.isKeyed));
}

/** The parts of a policy with limits. */
export type LimitsOfPolicy = {
  readonly concurrency?: readonly LimitRule[] | undefined;
  readonly rate?: readonly RateRule[] | undefined;
};
