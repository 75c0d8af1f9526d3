import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '../http/client.ts';
import { type Durations, toDurations } from '../timing.ts';

/** A read for so many connections, each of which asks again as soon as it is answered. */
export type Asking = { connections: number; path: (index: number) => string };

/**
 * Durations in ms of the reads, and of the submissions that were made beside them, and the CPU ms of the API and
 * Postgres for each read, with its part of the submissions.
 */
export type Answered = { reads: Durations; creations: Durations; cpuMs: number };

/** A build that is asked: the clients for reads and for submissions, and the CPU that answering has used so far. */
export type Asked = {
  reader: Client;
  writer: Client;
  submit: (client: Client) => Promise<unknown>;
  cpuSeconds: () => Promise<number>;
};

/** The submissions beside the reads, at a fixed rate. */
export const CREATIONS_PER_SECOND = 20;

/**
 * Asks one build for `seconds` over its connections, while tasks are submitted at a fixed rate over others.
 * Reads count from their sending, submissions from when they were due. Throws if an answer is no success.
 */
export async function askFor(
  { reader, writer, submit, cpuSeconds }: Asked,
  { connections, path }: Asking,
  seconds: number,
): Promise<Answered> {
  const usedBefore = await cpuSeconds();
  const until = performance.now() + seconds * 1_000;
  const reads: number[] = [];
  const creations: number[] = [];
  let asked = 0;
  const loop = async (): Promise<void> => {
    // At least one each, however busy the machine is.
    do {
      const sentAt = performance.now();
      await reader.get(path(asked++));
      reads.push(performance.now() - sentAt);
    } while (performance.now() < until);
  };
  const create = async (): Promise<void> => {
    const under: Promise<unknown>[] = [];
    const startedAt = performance.now();
    for (let count = 0; ; count++) {
      const due = startedAt + (count * 1_000) / CREATIONS_PER_SECOND;
      if (count > 0 && due >= until) break;
      await pause(Math.max(0, due - performance.now()));
      const one = submit(writer).then(() => creations.push(performance.now() - due));
      // Thrown below, when all have been sent.
      one.catch(() => {});
      under.push(one);
    }
    await Promise.all(under);
  };
  await Promise.all([create(), ...Array.from({ length: connections }, loop)]);
  const cpuMs = (1_000 * ((await cpuSeconds()) - usedBefore)) / reads.length;
  return { reads: toDurations(reads), creations: toDurations(creations), cpuMs };
}
