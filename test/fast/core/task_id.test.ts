import { expect, test } from 'vitest';
import { taskIdAt } from '../../../core/task_id.ts';

const TIME = Date.UTC(2026, 0, 31);

function msOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

test('an id is a UUIDv7 of its time', () => {
  const id = taskIdAt(TIME + 0.5);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(msOf(id)).toBe(TIME);
  expect(Number.parseInt(id.slice(15, 18), 16) / 4_096).toBeCloseTo(0.5, 2);
});

test('each is greater than the one before, also of the same time', () => {
  const ids = Array.from({ length: 10_000 }, () => taskIdAt(TIME + 1_000));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a clock that was set back is believed', () => {
  taskIdAt(TIME + 3_600_000);
  expect(msOf(taskIdAt(TIME + 10_000))).toBe(TIME + 10_000);
});
