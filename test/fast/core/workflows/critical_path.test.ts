import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { State } from '../../../../core/states.ts';
import { criticalPath, type PathStep } from '../../../../core/workflows/critical_path.ts';

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();

/** A step that ran from one second to another; null: it is under way. */
function ran(step: string, after: string[], from: number, to: number | null): PathStep {
  const finished_at = to === null ? null : at(to);
  return { step, after, state: to === null ? 'running' : 'succeeded', started_at: at(from), finished_at };
}

/** A step that never began. */
function idle(step: string, after: string[], state: State, to: number | null = null): PathStep {
  return { step, after, state, started_at: null, finished_at: to === null ? null : at(to) };
}

test.each<[string, PathStep[], string[]]>([
  ['nothing has run', [], []],
  ['nothing has finished', [ran('a', [], 0, null), idle('b', ['a'], 'waiting')], []],
  ['a chain', [ran('a', [], 0, 1), ran('b', ['a'], 1, 2), ran('c', ['b'], 2, 3)], ['a', 'b', 'c']],
  [
    'a diamond goes by the slower side',
    [ran('a', [], 0, 1), ran('b', ['a'], 1, 9), ran('c', ['a'], 1, 3), ran('d', ['b', 'c'], 9, 10)],
    ['a', 'b', 'd'],
  ],
  [
    'the one that finished last is not the one that is written last',
    [ran('a', [], 0, 1), ran('b', ['a'], 1, 9), ran('c', ['a'], 1, 3)],
    ['a', 'b'],
  ],
  [
    'in the same millisecond it is the later one',
    [ran('a', [], 0, 1), ran('b', [], 0, 1), ran('c', ['a', 'b'], 1, 2)],
    ['b', 'c'],
  ],
  [
    'a part is under way',
    [ran('a', [], 0, 5), ran('b', ['a'], 5, null), ran('c', ['a'], 5, 7), idle('d', ['b', 'c'], 'waiting')],
    ['a', 'c'],
  ],
  [
    'what was cancelled before it began decided nothing',
    [ran('a', [], 0, 5), idle('b', ['a'], 'cancelled', 60)],
    ['a'],
  ],
  [
    'what was resolved by hand before it began did',
    [ran('a', [], 0, 5), idle('b', ['a'], 'resolved', 60), ran('c', ['a', 'b'], 60, 61)],
    ['a', 'b', 'c'],
  ],
  [
    'a skipped step had its turn',
    [ran('a', [], 0, 5), { ...ran('b', ['a'], 5, 6), state: 'succeeded' }, ran('c', ['b'], 6, 7)],
    ['a', 'b', 'c'],
  ],
  [
    'the step for failures comes after all others',
    [ran('a', [], 0, 5), { ...ran('b', ['a'], 5, 6), state: 'failed' }, ran('on_failure', [], 7, 8)],
    ['a', 'b', 'on_failure'],
  ],
  ['there was no failure', [ran('a', [], 0, 5), idle('on_failure', [], 'succeeded', 6)], ['a']],
  [
    'what was done about an earlier failure decides nothing now',
    [
      ran('a', [], 0, 5),
      ran('b', ['a'], 20, null),
      ran('on_failure-1', [], 8, 9),
      idle('on_failure', [], 'waiting'),
    ],
    ['a'],
  ],
])('%s', (_name, steps, path) => {
  expect(criticalPath(steps)).toEqual(path);
});

test('each step of it waits for the one before, and none that it waits for finished later', () => {
  const graph = fc
    .array(fc.record({ before: fc.nat(), also: fc.nat(), from: fc.nat(50), takes: fc.nat(50) }), {
      minLength: 1,
      maxLength: 20,
    })
    .map((made) =>
      made.map(({ before, also, from, takes }, index) => {
        const after = index === 0 ? [] : [...new Set([before % index, also % index])].map(String);
        return ran(String(index), after, from, from + takes);
      }),
    );
  fc.assert(
    fc.property(graph, (steps) => {
      const path = criticalPath(steps);
      const found = path.map((name) => steps[Number(name)] as PathStep);
      const end = (step: PathStep | undefined): string => step?.finished_at ?? '';
      expect(end(found.at(-1))).toBe(steps.map(end).toSorted().at(-1));
      expect(found[0]?.after).toEqual([]);
      for (const [index, step] of found.slice(1).entries()) {
        expect(step.after).toContain(found[index]?.step);
        const ends = step.after.map((name) => end(steps[Number(name)]));
        expect(end(found[index])).toBe(ends.toSorted().at(-1));
      }
    }),
  );
});
