import { expect, test } from 'vitest';
import type { Runner, WaitingQueue } from '../../../dashboard/data/records.ts';
import { versionsOf } from '../../../dashboard/runners/deployment.ts';

const runner = (task_versions: Record<string, string> | null): Runner => ({ task_versions }) as Runner;
const queue = (name: string, waiting: Record<string, number>): WaitingQueue =>
  ({
    name,
    waiting_versions: Object.entries(waiting).map(([version, tasks]) => ({ version, tasks })),
  }) as WaitingQueue;
const row = (version: string, runners: number, tasks: number, isNewer = false) => ({
  ...{ name: 'a.b', version, runners, tasks, isNewer },
});

test('a deployment that is over shows nothing', () => {
  expect(versionsOf([runner({ 'a.b': '1.0.0' }), runner({ 'a.b': '1.0.0' })], [])).toEqual([]);
  expect(versionsOf([runner({ 'a.b': '1.0.0' })], [queue('a.b', { '1.0.0': 3 })])).toEqual([]);
  expect(versionsOf([runner(null)], [])).toEqual([]);
});

test('several versions of runners stand side by side, the newest first', () => {
  const live = [
    runner({ 'a.b': '1.9.0' }),
    runner({ 'a.b': '1.10.0' }),
    runner({ 'a.b': '1.10.0', 'c.d': '1.0.0' }),
  ];
  expect(versionsOf(live, [])).toEqual([row('1.10.0', 2, 0), row('1.9.0', 1, 0)]);
});

test('tasks of a version that is newer than every runner wait, and older ones do not', () => {
  const live = [runner({ 'a.b': '2.0.0' })];
  expect(versionsOf(live, [queue('a.b', { '2.1.0': 4, '1.0.0': 1 })])).toEqual([
    row('2.1.0', 0, 4, true),
    row('2.0.0', 1, 0),
    row('1.0.0', 0, 1),
  ]);
  // A version before a release is older than it.
  expect(versionsOf(live, [queue('a.b', { '2.0.0-rc.1': 1 })]).at(-1)).toEqual(row('2.0.0-rc.1', 0, 1));
  expect(versionsOf([runner({ 'a.b': '2.0.0-rc.2' })], [queue('a.b', { '2.0.0-rc.10': 1 })])[0]).toEqual(
    row('2.0.0-rc.10', 0, 1, true),
  );
});
