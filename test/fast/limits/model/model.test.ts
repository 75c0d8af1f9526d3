import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { startDrive } from './driver.ts';
import { type Action, schedules } from './schedule.ts';

const { pool } = await createDatabase();

const RUNS = Number(process.env.MODEL_RUNS ?? 12);
/** More than any of these takes when all goes well from now on. */
const MAX_ROUNDS = 400;

test('whatever is done, in whatever order, no key has more than its slots, nobody waits while there is room, and all tasks end', async () => {
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const drive = await startDrive(pool);
      for (const action of schedule) await drive.act(action);
      await drive.calm();
      for (let round = 0; drive.open().length > 0 && round < MAX_ROUNDS; round++) {
        for (const action of allWell) await drive.act(action);
      }
      expect(drive.open()).toEqual([]);
    }),
    { numRuns: RUNS, examples: [[lateRecord]], endOnFailure: RUNS > 12 },
  );
});

/**
 * A runner that was presumed dead records its attempt while another one executes the same dispatch: that one
 * keeps its slots.
 */
const lateRecord: Action[] = [
  { do: 'submit', kinds: [5, 5] },
  { do: 'take', picks: [[0]], rollsBack: false },
  { do: 'lose', runner: 0 },
  { do: 'take', picks: [[0, 0]], rollsBack: false },
  { do: 'late', pick: 0 },
  { do: 'take', picks: [[0, 0]], rollsBack: false },
];

const allWell: Action[] = [
  { do: 'take', picks: [[0, 0, 0, 0]], rollsBack: false },
  { do: 'end', picks: [0, 0, 0, 0], how: 'succeeded', twice: false, room: 2 },
];
