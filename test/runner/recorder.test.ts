import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createRecorder, LeaseLost } from '../../runner/recorder.ts';
import type { Outcome, Recorded } from '../../store/outcomes.ts';

const log = pino({ level: 'silent' });
const outcome = (id: string, result: string | null = null): Outcome => ({
  id,
  ranFor: 'ring',
  parentId: null,
  hasChildren: false,
  name: 't.x',
  priority: 0,
  attempt: 1,
  durationMs: 1,
  lines: [],
  progress: null,
  kind: 'succeeded',
  result,
});
const all = (outcomes: Outcome[]): Recorded => ({
  fenced: false,
  ids: new Set(outcomes.map(({ id }) => id)),
});
const away = (): Error => Object.assign(new Error('terminating connection'), { code: '57P01' });

test('outcomes that arrive during a write go together in the next one', async () => {
  const batches: number[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const record = createRecorder(async (outcomes) => {
    batches.push(outcomes.length);
    if (batches.length === 1) await gate;
    return all(outcomes);
  }, log);
  const first = record(outcome('a'));
  await new Promise(setImmediate);
  const rest = ['b', 'c', 'd'].map((id) => record(outcome(id)));
  open();
  expect(await Promise.all([first, ...rest])).toEqual([true, true, true, true]);
  expect(batches).toEqual([1, 3]);
});

test('successes and nothing else are written apart from the others, by two statements at a time', async () => {
  const batches: string[][] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const record = createRecorder(async (outcomes) => {
    batches.push(outcomes.map(({ id }) => id));
    if (batches.length <= 2) await gate;
    return all(outcomes);
  }, log);
  const first = [];
  for (const id of ['a', 'b']) {
    first.push(record(outcome(id)));
    await new Promise(setImmediate);
  }
  const late = [record(outcome('c')), record(outcome('d'))];
  const step = { ...outcome('e'), parentId: 'workflow' };
  const others = [record(step), record({ ...outcome('f'), progress: { fraction: 1, note: null } })];
  expect(await Promise.all(others)).toEqual([true, true]);
  expect(batches).toEqual([['a'], ['b'], ['e', 'f']]);
  open();
  expect(await Promise.all([...first, ...late])).toEqual([true, true, true, true]);
  expect(batches).toEqual([['a'], ['b'], ['e', 'f'], ['c', 'd']]);
});

test('while Postgres is away outcomes are held, and written when it is back', async () => {
  let failures = 0;
  const record = createRecorder(async (outcomes) => {
    if (failures++ < 3) throw away();
    return all(outcomes);
  }, log);
  expect(await Promise.all([record(outcome('a')), record(outcome('b'))])).toEqual([true, true]);
  expect(failures).toBe(4);
});

test('an outcome that Postgres refuses counts as failed, and its neighbours are recorded', async () => {
  const written: Outcome[] = [];
  const record = createRecorder(async (outcomes) => {
    if (outcomes.some((one) => one.kind === 'succeeded' && one.result === 'poison')) {
      throw Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' });
    }
    written.push(...outcomes);
    return all(outcomes);
  }, log);
  await Promise.all([record(outcome('a')), record(outcome('b', 'poison')), record(outcome('c'))]);
  const byId = new Map(written.map((one) => [one.id, one]));
  expect([...byId].map(([id, { kind }]) => [id, kind]).sort()).toEqual([
    ['a', 'succeeded'],
    ['b', 'failed'],
    ['c', 'succeeded'],
  ]);
  expect(byId.get('b')).toMatchObject({ error: { retryable: false, error_code: '22P05' }, retryInMs: null });
});

test('who is too late is told so, and a fenced runner that it must leave', async () => {
  let fenced = false;
  const record = createRecorder(async () => ({ fenced, ids: new Set<string>() }), log);
  expect(await record(outcome('a'))).toBe(false);
  fenced = true;
  await expect(record(outcome('a'))).rejects.toThrow(LeaseLost);
});

test('results that are heavy together are written apart', async () => {
  const batches: number[] = [];
  const record = createRecorder(async (outcomes) => {
    batches.push(outcomes.length);
    return all(outcomes);
  }, log);
  const heavy = 'x'.repeat(9 * 1024 * 1024);
  await Promise.all([record(outcome('a', heavy)), record(outcome('b', heavy)), record(outcome('c'))]);
  expect(batches).toEqual([1, 2]);
});
