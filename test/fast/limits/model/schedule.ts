import fc from 'fast-check';

/** What happens next. Numbers pick one of those that are there. */
export type Action =
  | { do: 'submit'; kinds: number[] }
  /** Runners take the slots of some announced attempts, in one statement each, at once. */
  | { do: 'take'; picks: number[][]; rollsBack: boolean }
  /** `room`: how many slots may be handed off. `twice`: the first answer was lost. */
  | { do: 'end'; picks: number[]; how: 'succeeded' | 'failed' | 'interrupted'; twice: boolean; room: number }
  /** A runner that is no longer live records attempts that another one has by now. */
  | { do: 'late'; pick: number }
  | { do: 'cancel'; pick: number }
  | { do: 'lose'; runner: 0 | 1 }
  | { do: 'limit'; which: number; slots: number | null }
  | { do: 'pause'; name: number }
  /** The clock jumps: all calls are over, or it is before them. */
  | { do: 'clock'; seconds: number }
  | { do: 'repair' }
  | Together;

/** All of these at once. */
export type Together = {
  do: 'together';
  takes: number[][];
  ends: number[];
  how: 'succeeded' | 'failed' | 'interrupted';
  cancels: number[];
  loses: 0 | 1 | null;
};

const pick = fc.nat(50);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('submit' as const),
      kinds: fc.array(fc.nat(7), { minLength: 2, maxLength: 8 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      picks: fc.array(fc.array(pick, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      rollsBack: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      picks: fc.array(pick, { minLength: 1, maxLength: 3 }),
      how: fc.constantFrom('succeeded' as const, 'failed' as const, 'interrupted' as const),
      twice: fc.boolean(),
      room: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('late' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('lose' as const),
      runner: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      which: fc.nat(2),
      slots: fc.option(fc.integer({ min: 1, max: 4 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), name: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('clock' as const), seconds: fc.constantFrom(-3_600, 3_600) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repair' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('together' as const),
      takes: fc.array(fc.array(pick, { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
      ends: fc.array(pick, { maxLength: 3 }),
      how: fc.constantFrom('succeeded' as const, 'failed' as const, 'interrupted' as const),
      cancels: fc.array(pick, { maxLength: 2 }),
      loses: fc.constantFrom(null, null, null, 0 as const, 1 as const),
    }),
  },
);

export const schedules = fc.array(action, { minLength: 10, maxLength: 50, size: 'max' });
