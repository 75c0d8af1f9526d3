import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  canTransition,
  FINAL,
  inWords,
  isTerminal,
  OPEN,
  REARMABLE,
  STARTABLE,
  STATES,
  type State,
  TRANSITIONS,
} from '../../../core/states.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const state = fc.constantFrom(...STATES);
/** What the record statement makes of an attempt: done, again after a failure, again after an interruption. */
const OUTCOMES = ['succeeded', 'failed', 'retrying', 'queued'] as const;

test('the check constraint of the ledger has these states and no others', () => {
  const schema = readFileSync(join(ROOT, 'migrations', 'schema.sql'), 'utf8');
  const [, list = ''] = /tasks_state_check CHECK \(\(state = ANY \(ARRAY\[([^\]]+)\]/.exec(schema) ?? [];
  const inLedger = [...list.matchAll(/'(\w+)'/g)].map(([, name]) => name);
  expect(inLedger.toSorted()).toEqual(STATES.toSorted());
});

test('every state has its line in the table, and leads only to states that there are', () => {
  expect(Object.keys(TRANSITIONS).toSorted()).toEqual(STATES.toSorted());
  expect(STATES).toEqual(expect.arrayContaining(Object.values(TRANSITIONS).flat()));
});

test('canTransition says what the table says', () => {
  fc.assert(
    fc.property(state, state, (from, to) => {
      expect(canTransition(from, to)).toBe(TRANSITIONS[from].includes(to));
    }),
  );
});

test('a terminal state is left only by an operator or a resubmission: re-armed or resolved', () => {
  const allowed: State[] = ['queued', 'scheduled', 'running', 'waiting', 'resolved'];
  for (const from of STATES.filter(isTerminal))
    expect(allowed).toEqual(expect.arrayContaining(TRANSITIONS[from] as State[]));
  expect(STATES.filter(isTerminal)).toEqual(FINAL);
  expect([TRANSITIONS.succeeded, TRANSITIONS.resolved]).toEqual([[], []]);
});

test('any walk through the table can end, and succeeds at most once', () => {
  const walk = fc.array(fc.nat(), { maxLength: 30 });
  fc.assert(
    fc.property(fc.constantFrom<State>('queued', 'scheduled', 'waiting'), walk, (start, choices) => {
      const visited: State[] = [start];
      for (const choice of choices) {
        const next = TRANSITIONS[visited.at(-1) ?? start];
        if (next.length === 0) break;
        visited.push(next[choice % next.length] ?? start);
      }
      expect(visited.filter((at) => at === 'succeeded').length).toBeLessThanOrEqual(1);
      expect(visited.slice(0, -1)).not.toContain('succeeded');
      expect(canReachEnd(visited.at(-1) ?? start)).toBe(true);
    }),
  );
});

test('the attempt of any startable state may begin, and every open one may get every outcome', () => {
  for (const from of STARTABLE) expect([from, canTransition(from, 'running')]).toEqual([from, true]);
  for (const from of OPEN) {
    for (const to of OUTCOMES) expect([from, to, canTransition(from, to)]).toEqual([from, to, true]);
  }
});

test('OPEN is what is not terminal but waits for nobody else, and only from there a task succeeds or is skipped', () => {
  const succeeding = STATES.filter((name) => canTransition(name, 'succeeded'));
  expect([...OPEN, 'waiting'].toSorted()).toEqual(succeeding.toSorted());
  expect([...STARTABLE].toSorted()).toEqual(
    STATES.filter(
      (name) => name !== 'running' && !isTerminal(name) && canTransition(name, 'running'),
    ).toSorted(),
  );
});

test('REARMABLE are the terminal states that lead back into the queue', () => {
  const back = STATES.filter((name) => isTerminal(name) && canTransition(name, 'queued'));
  expect([...REARMABLE].toSorted()).toEqual(back.toSorted());
  for (const name of REARMABLE) expect(canTransition(name, 'scheduled')).toBe(true);
});

test('every unfinished task can be cancelled, and no finished one', () => {
  for (const name of STATES)
    expect([name, canTransition(name, 'cancelled')]).toEqual([name, !isTerminal(name)]);
});

function canReachEnd(from: State): boolean {
  const seen = new Set<State>([from]);
  for (const at of seen) {
    if (isTerminal(at)) return true;
    for (const next of TRANSITIONS[at]) seen.add(next);
  }
  return false;
}

test('a state can end a sentence', () => {
  expect(STATES.map(inWords)).toEqual([
    'is scheduled',
    'is waiting',
    'is queued',
    'is running',
    'is retrying',
    'has succeeded',
    'has failed',
    'was cancelled',
    'was resolved',
    'has expired',
  ]);
});
