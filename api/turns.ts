import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Request } from 'express';

/** How long a request computes before others have their turn. */
const TURN_MS = 20;

/** Called after each part of a long computation. */
export type Turns = () => Promise<void>;

/**
 * Cuts a long computation into turns of the event loop, so that other requests are answered meanwhile. `throwIfOver` is
 * asked after each: what it throws ends the computation.
 */
export function takeTurns(throwIfOver: () => void): Turns {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await nextTurn();
    throwIfOver();
    since = performance.now();
  };
}

/** A body of which each step takes so short that it needs no turn to itself. */
const SMALL_BYTES = 100_000;

const sizes = new WeakMap<Request, number>();

/** Keeps how many bytes the body of a request has, unpacked. */
export function noteSize(request: Request, bytes: number): void {
  sizes.set(request, bytes);
}

/** How many bytes the body of a request has, or had before it was read. */
export function sizeOf(request: Request): number {
  return sizes.get(request) ?? 0;
}

/** Called between the steps of a request that go through its whole body: when that is large, each has a turn to itself. */
export async function giveWay(request: Request): Promise<void> {
  if (sizeOf(request) > SMALL_BYTES) await nextTurn();
}
