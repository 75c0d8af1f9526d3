import { describe, expect, test } from 'vitest';
import { foldEntries } from '../../../dashboard/audit/fold.ts';
import { linePaths, timeTicks, valueScale } from '../../../dashboard/charts/scale.ts';
import { addSample, depthOf } from '../../../dashboard/charts/series.ts';
import type { Attempt, AuditEntry, Workflow, WorkflowNode } from '../../../dashboard/data/records.ts';
import { NODE_HEIGHT, NODE_WIDTH, placeWorkflow } from '../../../dashboard/graph/layout.ts';
import { waterfall } from '../../../dashboard/graph/waterfall.ts';

const node = (step: string, after: string[]): WorkflowNode =>
  ({ id: step, step, name: `shop.order.${step}`, state: 'queued', after }) as unknown as WorkflowNode;

const diamond: Workflow = {
  nodes: [node('a', []), node('b', ['a']), node('c', ['a']), node('d', ['b', 'c'])],
  edges: [
    { from: 'a', to: 'b' },
    { from: 'a', to: 'c' },
    { from: 'b', to: 'd' },
    { from: 'c', to: 'd' },
  ],
  critical_path: ['a', 'c', 'd'],
};

describe('the graph of a workflow', () => {
  test('each step is right of those that it waits for, and none covers another', () => {
    const { nodes, width, height } = placeWorkflow(diamond);
    const at = Object.fromEntries(nodes.map((one) => [one.key, one]));
    for (const { from, to } of diamond.edges) {
      expect((at[from]?.x ?? 0) + NODE_WIDTH).toBeLessThan(at[to]?.x ?? 0);
    }
    for (const one of nodes) {
      expect(one.x).toBeGreaterThanOrEqual(0);
      expect(one.x + NODE_WIDTH).toBeLessThanOrEqual(width);
      expect(one.y + NODE_HEIGHT).toBeLessThanOrEqual(height);
    }
    expect(Math.abs((at.b?.y ?? 0) - (at.c?.y ?? 0))).toBeGreaterThanOrEqual(NODE_HEIGHT);
  });

  test('the critical path has its steps and the arrows between them', () => {
    const { nodes, edges } = placeWorkflow(diamond);
    expect(nodes.filter(({ isCritical }) => isCritical).map(({ key }) => key)).toEqual(['a', 'c', 'd']);
    expect(edges.filter(({ isCritical }) => isCritical).map(({ from, to }) => from + to)).toEqual([
      'ac',
      'cd',
    ]);
  });

  test('an arrow from or to an unknown step is left out', () => {
    const { edges } = placeWorkflow({ ...diamond, edges: [{ from: 'a', to: 'gone' }] });
    expect(edges).toEqual([]);
  });
});

describe('the waterfall of attempts', () => {
  const attempt = (started: number | null, finished: number | null): Attempt => ({
    ...{ attempt: 1, outcome: 'failed', runner: null, error: null },
    started_at: started === null ? null : new Date(started).toISOString(),
    finished_at: finished === null ? null : new Date(finished).toISOString(),
  });

  test('attempts are on one scale, from the submission to the end of the last', () => {
    const bars = waterfall([attempt(1_000, 2_000), attempt(6_000, 10_000)], new Date(0).toISOString(), 0);
    expect(bars.map(({ start, length, tookMs }) => [start, length, tookMs])).toEqual([
      [0.1, 0.1, 1_000],
      [0.6, 0.4, 4_000],
    ]);
  });

  test('a running attempt lasts until now, and one that has not started has no bar', () => {
    const bars = waterfall([attempt(5_000, null), attempt(null, null)], new Date(0).toISOString(), 10_000);
    expect(bars.map(({ start, length, tookMs }) => [start, length, tookMs])).toEqual([
      [0.5, 0.5, 5_000],
      [0, 0, null],
    ]);
  });

  test('a bar can be seen however short its attempt was, and stays inside', () => {
    const [bar] = waterfall([attempt(86_399_999, 86_400_000)], new Date(0).toISOString(), 0);
    expect(bar?.length).toBeGreaterThan(0);
    expect((bar?.start ?? 1) + (bar?.length ?? 1)).toBeLessThanOrEqual(1);
  });
});

describe('charts', () => {
  test('samples of the depth are kept for a while, and one of them has a place on the axis', () => {
    const old = { at: 0, queued: 1, running: 1 };
    const samples = addSample([old, { ...old, at: 9_000 }], { at: 10_000, queued: 5, running: 2 }, 5_000);
    expect(depthOf(samples)).toEqual([
      [10 - 60, 9, 10],
      [null, 1, 5],
      [null, 1, 2],
    ]);
    expect(depthOf([])).toEqual([[], [], []]);
    const [times] = depthOf([samples, { ...old, at: 70_000 }].flat());
    expect(times, 'after a minute the axis starts with the first sample').toEqual([9, 10, 70]);
  });

  test.each([
    [0, true, [0, 1]],
    [1, true, [0, 1]],
    [7, true, [0, 2, 4, 6, 8]],
    [0.03, false, [0, 0.01, 0.02, 0.03]],
    [100, false, [0, 50, 100]],
    [1_234, true, [0, 500, 1_000, 1_500]],
  ])('an axis up to %d has few marks, on round values', (max, isWhole, marks) => {
    const { top, ticks } = valueScale(max, isWhole);
    expect(ticks.map(({ value }) => Number(value.toFixed(6)))).toEqual(marks);
    expect(top).toBeGreaterThanOrEqual(max);
    expect([ticks[0]?.at, ticks.at(-1)?.at]).toEqual([0, 1]);
  });

  test('an axis of days has days, others have the time of day, on round times', () => {
    const day = timeTicks(0, 7 * 86_400);
    expect(day.every(({ label }) => /^\d+ \w{3}$/.test(label))).toBe(true);
    const hour = timeTicks(100, 3_700);
    expect(hour.length).toBeGreaterThan(2);
    expect(hour.every(({ label, at }) => /^\d\d:\d[05]$/.test(label) && at >= 0 && at <= 1)).toBe(true);
    expect(timeTicks(5, 5)).toEqual([]);
  });

  test('values that follow each other are a line, and one that stands alone is a dot', () => {
    expect(linePaths([0, 10, 20, 30], [0, 5, null, 10], 10)).toEqual({
      line: 'M0 100L333.3 50',
      dots: 'M1000 0h0',
    });
    expect(linePaths([], [], 1)).toEqual({ line: '', dots: '' });
    expect(linePaths([7], [0], 1)).toEqual({ line: '', dots: 'M1000 100h0' });
  });
});

test('entries of one request are one line of the audit trail', () => {
  const entry = (id: number, request_id: string | null): AuditEntry =>
    ({ id, request_id, actor: 'ann', action: 'cancel', target: 'a.b', reason: null }) as AuditEntry;
  const folded = foldEntries([
    entry(5, 'r1'),
    entry(4, 'r1'),
    entry(3, 'r2'),
    entry(2, null),
    entry(1, null),
  ]);
  expect(folded.map(({ entry: { id }, others }) => [id, others])).toEqual([
    [5, 1],
    [3, 0],
    [2, 0],
    [1, 0],
  ]);
});
