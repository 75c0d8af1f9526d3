const TRIES = 9;

/** A clock that the processes of one machine share, in ms since 1970 with fractions. */
export type WallClock = {
  now(): number;
  /**
   * How many ms the clock of the machine was adjusted since then: figures are wrong by at most
   * that.
   */
  drift(): number;
};

/**
 * Node sets the fractional clock of a process by the machine's clock when the process starts, and
 * never again. A process that compares its clock with that of a process that has just started must
 * do the same at that time.
 */
export function wallClock(): WallClock {
  const origin = readOrigin();
  return {
    now: () => origin + performance.now(),
    drift: () => readOrigin() - origin,
  };
}

/**
 * When this process started by the machine's clock. That clock has only complete ms, so it is read
 * at the start of one.
 */
function readOrigin(): number {
  // A delay between the two readings makes the result too small, never too large.
  return Math.max(...Array.from({ length: TRIES }, catchOrigin));
}

function catchOrigin(): number {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  return now - performance.now();
}
