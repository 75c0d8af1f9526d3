import fc from 'fast-check';
import { ON_FAILURE } from '../../../../core/workflows/graph.ts';
import type { ShapeStep } from './model.ts';

/** A workflow: its steps in the order of their definition, and whether it is due later only. */
export type Shape = { steps: ShapeStep[]; isLater: boolean };

const KINDS = [
  'succeeded',
  'skipped',
  'continued',
  'failed',
  'for good',
  'timed_out',
  'interrupted',
  'cancelled',
] as const;
type Kind = (typeof KINDS)[number];

/** The end of one attempt; `pick` chooses among those under way, `statement` in which statement it is recorded. */
export type End = {
  pick: number;
  kind: Kind;
  statement: number;
  twice: boolean;
  children: number;
  /** A success whose result is that of the workflow, if it is its end. */
  endsParent?: boolean;
};

/** What a statement may hand off: up to `room` tasks of the names for which `names` has a bit. */
export type Room = { names: number; room: number };

export type Action =
  | { do: 'end'; ends: End[]; stale: number | null; rooms?: Room[] }
  | { do: 'show'; pick: number; runner: number }
  | { do: 'lose'; runner: number }
  | { do: 'retry' | 'cancel' | 'resolve'; pick: number }
  | { do: 'resubmit' };

/** Acyclic graphs of 1 to 8 steps: `links` has a bit for each step before; half of them are defined last step first. */
export const shapes: fc.Arbitrary<Shape> = fc
  .record({
    links: fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }),
    budgets: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 8, maxLength: 8 }),
    reversed: fc.boolean(),
    onFailure: fc.boolean(),
    isLater: fc.boolean(),
  })
  .map(({ links, budgets, reversed, onFailure, isLater }) => {
    const names = links.map((_bits, index) => `s${index}`);
    const steps = links.map((bits, index): ShapeStep => {
      const after = names.slice(0, index).filter((_name, before) => (bits >> before) & 1);
      return { step: `s${index}`, after, maxAttempts: budgets[index] ?? 1 };
    });
    if (reversed) steps.reverse();
    if (onFailure) steps.push({ step: ON_FAILURE, after: [], maxAttempts: 2 });
    return { steps, isLater };
  });

const pick = fc.nat(99);
/** Half of them successes: else nothing would get far. */
const kind = fc.oneof(fc.constant('succeeded' as const), fc.constantFrom(...KINDS));
const end: fc.Arbitrary<End> = fc.record({
  pick,
  kind,
  statement: fc.nat(3),
  twice: fc.boolean(),
  children: fc.integer({ min: 0, max: 3 }),
  endsParent: fc.boolean(),
});
const room: fc.Arbitrary<Room> = fc.record({ names: fc.nat(255), room: fc.nat(3) });

/** Ends of attempts that come together. */
export const ends: fc.Arbitrary<End[]> = fc.array(end, { minLength: 1, maxLength: 6 });

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      ends,
      stale: fc.option(pick),
      rooms: fc.array(room, { minLength: 4, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('show' as const), pick, runner: fc.nat(1) }) },
  fc.record({ do: fc.constant('lose' as const), runner: fc.nat(1) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('retry', 'cancel', 'resolve'), pick }) },
  fc.record({ do: fc.constant('resubmit' as const) }),
);

export const schedules: fc.Arbitrary<Action[]> = fc.array(action, { minLength: 1, maxLength: 16 });
