import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createLoopTable, type SeenAttempt, viewLoop } from '../../../../runner/execute/loop_table.ts';
import { type Blocked, watchLoop } from '../../../../runner/lease/blocked_loop.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
});

const ids = ['a', 'b'].map((letter) => letter.repeat(36));
const attempt = (index: number, limitMs: number): SeenAttempt => {
  const id = ids[index] ?? '';
  return {
    id,
    dispatchId: id.toUpperCase(),
    attempt: 300 + index,
    startedAt: performance.now() + 1,
    limitMs,
  };
};

/** Watches an event loop that has just turned for the last time; `answer` is what the main thread says that it is at. */
function watch(attempts: SeenAttempt[], answer: string | null | undefined) {
  const table = createLoopTable(2);
  for (const one of attempts) table.enter(one);
  vi.advanceTimersByTime(1);
  table.turn(attempts.length, 0);
  const told: Blocked[] = [];
  const ended: string[][] = [];
  const loop = watchLoop({
    ...{ view: viewLoop(table.shared), leaseMs: 15_000, ask: async () => answer },
    onBlocked: (blocked) => told.push(blocked),
    end: async (guilty) => void ended.push(guilty.map(({ id }) => id)),
  });
  onTestFinished(() => loop.close());
  return { table, told, ended, loop, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) };
}

test('one that turns is not blocked, nor is one that was stopped together with the watching thread', async () => {
  const { table, told, pass } = watch([attempt(0, 100)], `${ids[0]} 300`);
  for (let turn = 0; turn < 20; turn++) {
    await pass(400);
    table.turn(1, 0);
  }
  vi.setSystemTime(Date.now() + 60_000);
  expect(told).toEqual([]);
});

test('who blocks it is told once, and ended when the time is over, and nobody else', async () => {
  const { told, ended, loop, pass, table } = watch([attempt(0, 4_000), attempt(1, 10)], `${ids[0]} 300`);
  await pass(3_000);
  expect(told.map(({ by }) => by?.id)).toEqual([ids[0]]);
  expect(loop.current()?.by).toMatchObject({ id: ids[0], dispatchId: ids[0]?.toUpperCase(), attempt: 300 });
  expect(ended).toEqual([]);
  await pass(1_500);
  expect(ended[0]).toEqual([ids[0]]);
  expect(told).toHaveLength(1);
  table.turn(2, 0);
  await pass(500);
  expect(loop.current()).toBeNull();
});

test('without a name all that are overdue are ended, after a lease', async () => {
  const { ended, pass } = watch([attempt(0, 10), attempt(1, 60_000)], undefined);
  await pass(14_000);
  expect(ended).toEqual([]);
  await pass(2_000);
  expect(ended[0]).toEqual([ids[0]]);
});

test('what belongs to no attempt is blamed on none, and ends the process when others are overdue or there are none', async () => {
  for (const [attempts, isEnded] of [
    [[attempt(0, 10)], true],
    [[attempt(0, 60_000)], false],
    [[], true],
  ] as const) {
    const { ended, pass } = watch([...attempts], null);
    await pass(17_000);
    expect(ended[0]).toEqual(isEnded ? [] : undefined);
  }
});

test('places are given again when they are left, and who finds none has none', () => {
  const table = createLoopTable(2);
  const places = Array.from({ length: 9 }, () => table.enter(attempt(0, 10)));
  expect(places).toEqual([0, 1, 2, 3, 4, 5, 6, 7, -1]);
  table.leave(-1);
  table.leave(3);
  expect(viewLoop(table.shared).attempts()).toHaveLength(7);
  expect(table.enter(attempt(1, 10))).toBe(3);
});
