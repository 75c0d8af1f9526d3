import type { Request } from 'express';

/** Requests that wait for a turn of the event loop. */
const waiting: (() => void)[] = [];

/**
 * Resolves in a turn of the event loop that no other such request uses. Otherwise twenty large bodies would
 * all continue in the same turn, and a small request would wait for all of them.
 */
function ownTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(giveTurn);
  });
}

function giveTurn(): void {
  waiting.shift()?.();
  // The double setImmediate leaves one turn for requests that arrived meanwhile, also on new connections.
  if (waiting.length > 0) setImmediate(setImmediate, giveTurn);
}

/** How many milliseconds a request computes before others get a turn. */
const TURN_MS = 20;

/** A long computation calls this after each part. */
export type Turns = () => Promise<void>;

/**
 * Cuts a long computation into turns of the event loop, so that other requests are answered meanwhile.
 * `throwIfOver` runs after each turn. If it throws, the computation ends.
 */
export function takeTurns(throwIfOver: () => void): Turns {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await ownTurn();
    throwIfOver();
    since = performance.now();
  };
}

/** Below this size, each step for a body is so short that it needs no turn to itself. */
const SMALL_BYTES = 100_000;

const sizes = new WeakMap<Request, number>();

/** Remembers the size of a request's body in bytes, unpacked. */
export function noteSize(request: Request, bytes: number): void {
  sizes.set(request, bytes);
}

/** The size of a request's body in bytes; also after the body has been read. */
export function sizeOf(request: Request): number {
  return sizes.get(request) ?? 0;
}

/**
 * Call this between steps that read the entire body. If the body is large, each step gets a turn to itself.
 */
export async function giveWay(request: Request): Promise<void> {
  if (sizeOf(request) > SMALL_BYTES) await ownTurn();
}
