import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRounds } from '../../../../core/concurrency/rounds.ts';

const NEVER = new AbortController().signal;
const REFUSED = new Error('refused');

/** Takes turns, and notes who has one. */
function turns(limits: { total: number; perClient: number; waitingPerClient?: number }) {
  const shares = createRounds({ waitingPerClient: 100, ...limits });
  const running: { who: string; end: () => void }[] = [];
  return {
    running: () => running.map(({ who }) => who),
    async ask(client: string, who = client, signal = NEVER): Promise<void> {
      const end = await shares.take(client, signal, () => REFUSED);
      running.push({ who, end });
    },
    async end(who: string): Promise<void> {
      const index = running.findIndex((one) => one.who === who);
      running.splice(index, 1)[0]?.end();
      await setImmediate();
    },
  };
}

test('one client has its own part, and leaves the rest to others', async () => {
  const { ask, running, end } = turns({ total: 3, perClient: 2 });
  await Promise.all([ask('a', 'a1'), ask('a', 'a2')]);
  void ask('a', 'a3');
  await ask('b');
  await setImmediate();
  expect(running()).toEqual(['a1', 'a2', 'b']);
  await end('b');
  expect(running()).toEqual(['a1', 'a2']);
  await end('a1');
  expect(running()).toEqual(['a2', 'a3']);
});

test('clients take turns, however much one of them asks for', async () => {
  const { ask, running, end } = turns({ total: 1, perClient: 1 });
  await ask('a', 'a1');
  for (const who of ['a2', 'a3']) void ask('a', who);
  void ask('b', 'b1');
  void ask('b', 'b2');
  const seen: string[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const [who] = running();
    seen.push(String(who));
    await end(String(who));
  }
  expect(seen).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
});

test('more of one client than may wait is refused, and others are not', async () => {
  const { ask, running } = turns({ total: 2, perClient: 1, waitingPerClient: 1 });
  await ask('a', 'a1');
  void ask('a', 'a2');
  await expect(ask('a', 'a3')).rejects.toBe(REFUSED);
  await ask('b');
  expect(running()).toEqual(['a1', 'b']);
});

test('whoever goes away waits no longer, and takes no turn', async () => {
  const { ask, running, end } = turns({ total: 1, perClient: 1 });
  const leaving = new AbortController();
  await ask('a', 'a1');
  const gone = ask('a', 'a2', leaving.signal);
  void ask('a', 'a3');
  leaving.abort(REFUSED);
  await expect(gone).rejects.toBe(REFUSED);
  await expect(ask('b', 'b', leaving.signal)).rejects.toBe(REFUSED);
  await end('a1');
  expect(running()).toEqual(['a3']);
});
