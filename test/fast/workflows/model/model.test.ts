import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTerminal } from '../../../../core/states.ts';
import { createDatabase } from '../../../support/database.ts';
import { startDrive, startFleet } from './model_driver.ts';
import { type Action, type Shape, schedules, shapes } from './model_schedule.ts';

const { pool } = await createDatabase();
const fleet = await startFleet(pool);

/** More than any workflow here takes when all goes well from now on. */
const MAX_ROUNDS = 60;
const RUNS = Number(process.env.MODEL_RUNS ?? 100);

test('whatever is done to a workflow, in whatever order, each step is queued once, when its time has come, and all comes to an end', async () => {
  await fc.assert(
    fc.asyncProperty(shapes, schedules, async (shape, schedule) => {
      const drive = await startDrive(pool, fleet, shape);
      for (const action of schedule) {
        await drive.act(action);
        await drive.check();
      }
      for (let round = 0; drive.isOpen() && round < MAX_ROUNDS; round++) {
        await drive.act(allWell);
        await drive.check();
      }
      expect(isTerminal(drive.root.state)).toBe(true);
    }),
    { numRuns: RUNS, examples: [cancelledFanningOut] },
  );
});

const one = { pick: 0, kind: 'continued' as const, statement: 0, twice: false, children: 2 };

/** A step that is cancelled while it decides on its children: it has none then, and makes them when it is retried. */
const cancelledFanningOut: [Shape, Action[]] = [
  { steps: [{ step: 's0', after: [], maxAttempts: 1 }], isLater: false },
  [
    { do: 'show', pick: 0, runner: 0 },
    { do: 'cancel', pick: 0 },
    { do: 'end', ends: [one], stale: null },
    { do: 'retry', pick: 0 },
    { do: 'end', ends: [one], stale: null },
  ],
];

const allWell: Action = {
  do: 'end',
  ends: Array.from({ length: 6 }, (_none, statement) => {
    return {
      pick: 0,
      kind: 'succeeded',
      statement: statement % 2,
      twice: false,
      children: 1,
      endsParent: true,
    };
  }),
  stale: null,
  rooms: Array.from({ length: 4 }, () => ({ names: 255, room: 2 })),
};
