import type { Request } from 'express';
import { expect, test } from 'vitest';
import { giveWay, noteSize, takeTurns } from '../../../../api/capacity/turns.ts';

/** Counts the turns of the event loop until it is told to stop. */
function countTurns() {
  const counted = { turn: 0, stop: false };
  const next = (): void => {
    counted.turn++;
    if (!counted.stop) setImmediate(next);
  };
  setImmediate(next);
  return counted;
}

test('large bodies that come at once go on in a turn each, with one for all others in between', async () => {
  const counted = countTurns();
  const requests = Array.from({ length: 20 }, () => {
    const request = {} as Request;
    noteSize(request, 1_000_000);
    return request;
  });
  const turns = await Promise.all(
    requests.map(async (request) => {
      await giveWay(request);
      return counted.turn;
    }),
  );
  counted.stop = true;
  const gaps = turns.slice(1).map((turn, index) => turn - Number(turns[index]));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2);
});

test('a small body waits for nobody, and who is over learns it after a turn', async () => {
  const request = {} as Request;
  noteSize(request, 1_000);
  const counted = countTurns();
  await giveWay(request);
  expect(counted.turn).toBe(0);
  counted.stop = true;
  const whenLong = takeTurns(() => {
    throw new Error('nobody waits');
  });
  const until = performance.now() + 25;
  while (performance.now() < until);
  await expect(whenLong()).rejects.toThrow('nobody waits');
});
