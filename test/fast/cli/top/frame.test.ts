import { expect, test } from 'vitest';
import type { Runner, Stats } from '../../../../cli/answers.ts';
import { widthOf } from '../../../../cli/output/width.ts';
import { frameOf } from '../../../../cli/top/frame.ts';
import type { Snapshot } from '../../../../cli/top/snapshot.ts';

const none = { average: null, p50: null, p95: null, p99: null };

function figures(queued: number, p95: number | null): Stats['total'] {
  return {
    finished: { succeeded: 90, failed: 10, cancelled: 0, resolved: 0 },
    success_rate: 0.9,
    attempts_per_task: 1.1,
    processing_seconds: { ...none, p95 },
    queue_wait_seconds: none,
    open: { scheduled: 0, waiting: 0, queued, running: 1, retrying: 0 },
    open_is_capped: false,
  };
}

const runner = (id: number): Runner => ({
  id,
  host: 'a-host-with-a-long-name.example.com',
  pid: 1,
  version: '1.0.0',
  started_at: '2026-11-30T11:00:00Z',
  heartbeat_at: '2026-11-30T12:00:00Z',
  overdue: false,
  event_loop_delay_ms: 3,
  blocked_since: null,
  in_flight: 3,
  concurrency: 10,
  task_names: ['a.b'],
  ended_at: null,
  end_reason: null,
});

const snapshot = (names: number, runners: number): Snapshot => ({
  at: new Date('2026-11-30T12:00:00Z'),
  stats: {
    from: '2026-11-30T11:55:00Z',
    to: '2026-11-30T12:00:00Z',
    total: figures(5, 1),
    names: Array.from({ length: names }, (_, index) => ({
      name: `namespace.name_${index}`,
      ...figures(index % 3, index),
    })),
  },
  waiting: [
    { name: 'a.b', queue_depth: 1, queue_depth_is_capped: false, oldest_wait_seconds: 2 },
    { name: 'a.slow', queue_depth: 1, queue_depth_is_capped: false, oldest_wait_seconds: 90 },
  ],
  paused: [{ target: 'billing', paused_at: '2026-11-30T11:00:00Z', actor: 'user:ann', reason: null }],
  runners: Array.from({ length: runners }, (_, index) => runner(index + 1)),
});
const heading = { url: 'http://localhost:8080', keys: 'q quits' };

test('it has the throughput, the states, the oldest wait, the pauses, names and runners', () => {
  const text = frameOf(snapshot(3, 1), heading, { columns: 120, rows: 40 }).join('\n');
  expect(text).toContain('throughput 0.33/s in 5 min  success 90%  oldest wait 1 min 30 s (a.slow)');
  expect(text).toContain('scheduled 0  waiting 0  queued 5  running 1  retrying 0');
  expect(text).toContain('paused: billing by user:ann');
  expect(text).toMatch(/namespace\.name_2 .*\n.*namespace\.name_1 .*\n.*namespace\.name_0 /);
  expect(text).toMatch(/RUNNER.*BUSY.*\n +1 +live +3\/10/);
});

test.each([
  [80, 24, 50, 30],
  [80, 24, 2, 30],
  [80, 24, 50, 1],
  [200, 60, 5, 2],
  [40, 10, 50, 30],
  [20, 3, 5, 5],
])('at %d × %d, with %d names and %d runners, it fits', (columns, rows, names, runners) => {
  const lines = frameOf(snapshot(names, runners), heading, { columns, rows });
  expect(lines.length).toBeLessThanOrEqual(rows);
  // A table that cannot be cut further may be wider.
  if (columns >= 80) expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
});

test('what does not fit is counted', () => {
  const lines = frameOf(snapshot(50, 30), heading, { columns: 80, rows: 24 });
  expect(lines.filter((line) => /^and \d+ more$/.test(line))).toHaveLength(2);
});

test('a problem stands in the head, and cannot act on the terminal', () => {
  const lines = frameOf(
    snapshot(1, 1),
    { ...heading, problem: 'no\u001B[2J answer' },
    { columns: 80, rows: 24 },
  );
  expect(lines).toContain('no answer');
});
