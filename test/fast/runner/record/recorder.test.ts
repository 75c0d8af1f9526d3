import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createRecorder } from '../../../../runner/record/recorder.ts';
import { LeaseLost } from '../../../../runner/record/write_outcomes.ts';
import type { Outcome, Recorded } from '../../../../store/attempts/outcomes.ts';
import { succeeded } from '../dispatch_work.ts';

const lines: string[] = [];
const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
const all = (outcomes: Outcome[]): Recorded => ({
  fenced: false,
  ids: new Set(outcomes.map(({ id }) => id)),
});
const away = (): Error => Object.assign(new Error('terminating connection'), { code: '57P01' });

/** A turn of the event loop: what was added in the last one has been taken. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('outcomes of any dispatch that arrive during a write go together in the next one', async () => {
  const batches: string[][] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const recorder = createRecorder(async (outcomes) => {
    batches.push(outcomes.map(({ id }) => id));
    if (batches.length <= 2) await gate;
    return all(outcomes);
  }, log);
  const [dispatch, other] = [recorder.open(), recorder.open()];
  // Plain successes are written by two statements at a time, if there are many.
  void dispatch.add(succeeded('a'));
  await turn();
  const many = Array<string>(20).fill('b');
  for (const id of many) void dispatch.add(succeeded(id));
  await turn();
  void dispatch.add(succeeded('c'));
  void other.add(succeeded('d'));
  await turn();
  void dispatch.add(succeeded('e'));
  expect({ batches, buffered: recorder.buffered() }).toEqual({ batches: [['a'], many], buffered: 24 });
  open();
  await Promise.all([dispatch.written(), other.written()]);
  expect(batches).toEqual([['a'], many, ['c', 'e', 'd']]);
  expect(recorder.buffered()).toBe(0);
});

test('a few outcomes wait for the write that is under way, and then need no other for each', async () => {
  const batches: string[][] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const recorder = createRecorder(async (outcomes) => {
    batches.push(outcomes.map(({ id }) => id));
    if (batches.length === 1) await gate;
    return all(outcomes);
  }, log);
  const dispatch = recorder.open();
  for (const id of ['a', 'b', 'c']) {
    void dispatch.add(succeeded(id));
    await turn();
  }
  expect(batches).toEqual([['a']]);
  open();
  await dispatch.written();
  expect(batches).toEqual([['a'], ['b', 'c']]);
});

test('an outcome is recorded with those that it went with; its dispatch, when all of them are', async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let writes = 0;
  const recorder = createRecorder(async (outcomes) => {
    await gates[writes++]?.promise;
    return all(outcomes);
  }, log);
  const dispatch = recorder.open();
  const ended: string[] = [];
  void dispatch.add(succeeded('a')).then(() => ended.push('a'));
  await turn();
  const many = Array.from({ length: 20 }, () => dispatch.add(succeeded('b')));
  void Promise.all(many).then(() => ended.push('b'));
  await turn();
  const whole = dispatch.written().then(() => ended.push('dispatch'));
  gates[1]?.resolve();
  await Promise.all(many);
  await turn();
  expect(ended).toEqual(['b']);
  gates[0]?.resolve();
  await whole;
  expect(ended).toEqual(['b', 'a', 'dispatch']);
});

test('successes and nothing else are written apart from the others, and those of steps by themselves', async () => {
  const batches: string[][] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const recorder = createRecorder(async (outcomes) => {
    batches.push(outcomes.map(({ id }) => id));
    if (batches.length === 1) await gate;
    return all(outcomes);
  }, log);
  const dispatch = recorder.open();
  void dispatch.add(succeeded('a'));
  await turn();
  const step = { ...succeeded('b'), parentId: 'workflow' };
  await Promise.all([
    dispatch.add(step),
    dispatch.add({ ...succeeded('c'), progress: { fraction: 1, note: null } }),
  ]);
  expect(batches).toEqual([['a'], ['b'], ['c']]);
  open();
  await dispatch.written();
});

test('a thousand outcomes go into a statement, however many there are', async () => {
  const sizes: number[] = [];
  const recorder = createRecorder(async (outcomes) => {
    sizes.push(outcomes.length);
    return all(outcomes);
  }, log);
  const dispatches = [1_500, 400, 300].map((size) => {
    const dispatch = recorder.open();
    for (let added = 0; added < size; added++) void dispatch.add(succeeded('a'));
    return dispatch;
  });
  await Promise.all(dispatches.map((dispatch) => dispatch.written()));
  expect(sizes).toEqual([1_000, 900, 300]);
});

test('while Postgres is away outcomes are held, and written when it is back', async () => {
  let failures = 0;
  const recorder = createRecorder(async (outcomes) => {
    if (failures++ < 3) throw away();
    return all(outcomes);
  }, log);
  const dispatch = recorder.open();
  await Promise.all([dispatch.add(succeeded('a')), dispatch.add(succeeded('b'))]);
  expect({ failures, buffered: recorder.buffered() }).toEqual({ failures: 4, buffered: 0 });
});

test('an outcome that Postgres refuses counts as failed, and its neighbours are recorded', async () => {
  const written: Outcome[] = [];
  const recorder = createRecorder(async (outcomes) => {
    if (outcomes.some((one) => one.kind === 'succeeded' && one.result === 'poison')) {
      throw Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' });
    }
    written.push(...outcomes);
    return all(outcomes);
  }, log);
  const dispatch = recorder.open();
  for (const one of [succeeded('a'), succeeded('b', 'poison'), succeeded('c')]) void dispatch.add(one);
  await dispatch.written();
  const byId = new Map(written.map((one) => [one.id, one]));
  expect([...byId].map(([id, { kind }]) => [id, kind]).sort()).toEqual([
    ['a', 'succeeded'],
    ['b', 'failed'],
    ['c', 'succeeded'],
  ]);
  expect(byId.get('b')).toMatchObject({ error: { retryable: false, error_code: '22P05' }, retryInMs: null });
});

test('who is too late is named in the log, and a fenced runner is told that it must leave', async () => {
  let fenced = false;
  const recorder = createRecorder(async () => ({ fenced, ids: new Set<string>() }), log);
  lines.length = 0;
  await recorder.open().add(succeeded('a'));
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { task_id: 'a', task_name: 't.x', attempt: 1, msg: expect.stringContaining('did not count') },
  ]);
  fenced = true;
  const dispatch = recorder.open();
  await expect(dispatch.add(succeeded('a'))).rejects.toThrow(LeaseLost);
  await expect(dispatch.written()).rejects.toThrow(LeaseLost);
});

test('results that are heavy together are written apart, of one dispatch and of several', async () => {
  const heavy = 'x'.repeat(9 * 1024 * 1024);
  for (const dispatches of [1, 3]) {
    const batches: number[] = [];
    const recorder = createRecorder(async (outcomes) => {
      batches.push(outcomes.length);
      return all(outcomes);
    }, log);
    const opened = Array.from({ length: dispatches }, recorder.open);
    const added = [succeeded('a', heavy), succeeded('b', heavy), succeeded('c')].map((one, index) =>
      opened[index % dispatches]?.add(one),
    );
    await Promise.all(added);
    expect(batches).toEqual([1, 2]);
  }
});
