const TRIES = 9;

/** A clock that processes of one machine share, in ms since 1970 with fractions. */
export type WallClock = {
  now(): number;
  /** By how many ms the clock of the machine has been set since: figures are wrong by so much at most. */
  drift(): number;
};

/**
 * Node sets the clock with fractions of a process by the machine's when the process starts, and never again. A process
 * that compares its own with that of one that has just started has to do the same at that time.
 */
export function wallClock(): WallClock {
  const origin = readOrigin();
  return {
    now: () => origin + performance.now(),
    drift: () => readOrigin() - origin,
  };
}

/** When this process started by the clock of the machine: that has whole ms only, so they are caught as they begin. */
function readOrigin(): number {
  // Whoever is held up between the two readings finds too little.
  return Math.max(...Array.from({ length: TRIES }, catchOrigin));
}

function catchOrigin(): number {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  return now - performance.now();
}
