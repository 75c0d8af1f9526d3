import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { expectUnharmed, SUBMISSION } from '../../../support/witness.ts';

/** A server that can be harmed: what it answers with, and how late. */
async function victim(): Promise<{
  url: string;
  harm: { status: number; lateMs: number; froms: Set<string> };
}> {
  const harm = { status: 200, lateMs: 0, froms: new Set<string>() };
  const server: Server = createServer(async ({ socket }, response) => {
    harm.froms.add(String(socket.remoteAddress));
    if (harm.lateMs > 0) await setTimeout(harm.lateMs);
    response.writeHead(harm.status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, harm };
}

test('a witness who is answered in time says nothing, and comes from an address of its own', async () => {
  const { url, harm } = await victim();
  let inflicted = 0;
  await expectUnharmed(url, { ...SUBMISSION, from: '127.0.0.9' }, async () => {
    inflicted++;
    return {};
  });
  expect(inflicted).toBe(1);
  expect([...harm.froms]).toEqual(['127.0.0.9']);
});

/** Far above what a busy machine does to the answers of a server that is well. */
const LATE_MS = 5_000;

test('a witness tells of answers that come late, in each round', async () => {
  const { url, harm } = await victim();
  const late = expectUnharmed(
    url,
    {},
    async () => {
      harm.lateMs = LATE_MS;
      return { end: () => Object.assign(harm, { lateMs: 0 }) };
    },
    { floorMs: 1, rounds: 2 },
  );
  await expect(late).rejects.toThrow(/came after \(p99\) \d+ ms instead of \d+ ms, /);
});

test('a witness tells of a server that stands still once', async () => {
  const { url } = await victim();
  const stop = async () => {
    const standStill = (): void => {
      const until = performance.now() + LATE_MS;
      while (performance.now() < until);
    };
    return { over: setTimeout(100).then(standStill) };
  };
  const still = expectUnharmed(url, {}, stop, { rounds: 2 });
  await expect(still).rejects.toThrow(/came after/);
});

test.each([
  ['tells of a 429 in each round', 2, 2],
  ['says nothing of a 429 in one round of two', 1, 2],
])('a witness %s', async (_what, bad, rounds) => {
  const { url, harm } = await victim();
  let inflicted = 0;
  const refuse = async () => {
    if (++inflicted <= bad) harm.status = 429;
    return { over: setTimeout(50), end: () => Object.assign(harm, { status: 200 }) };
  };
  const asked = expectUnharmed(url, {}, refuse, { rounds });
  if (bad === rounds) await expect(asked).rejects.toThrow(/[1-9]\d* refused/);
  else await asked;
});

test('a witness tells of a single 503', async () => {
  const { url, harm } = await victim();
  const refused = expectUnharmed(url, {}, async () => {
    harm.status = 503;
    return { over: setTimeout(50), end: () => Object.assign(harm, { status: 200 }) };
  });
  await expect(refused).rejects.toThrow(/503/);
});
