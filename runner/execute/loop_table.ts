/** Places for attempts per slot: an abandoned handler keeps its place. */
const PLACES_PER_SLOT = 4;
const TURN = 0;
const IN_FLIGHT = 1;
const DELAY = 2;
const HEADER = 3;
/** Numbers of each attempt: its start, its timeout plus grace, its attempt number. */
const NUMBERS = 3;
const ID_BYTES = 36;

/**
 * A running attempt, as the thread of the lease sees it. `startedAt` is the main thread's
 * performance.now().
 */
export type SeenAttempt = {
  id: string;
  dispatchId: string;
  attempt: number;
  startedAt: number;
  limitMs: number;
};

type Views = { numbers: Float64Array; texts: Buffer; places: number };

function viewsOf(shared: SharedArrayBuffer): Views {
  const places = (shared.byteLength - HEADER * 8) / (NUMBERS * 8 + 2 * ID_BYTES);
  return {
    places,
    numbers: new Float64Array(shared, 0, HEADER + NUMBERS * places),
    texts: Buffer.from(shared, (HEADER + NUMBERS * places) * 8),
  };
}

/**
 * The state of the main thread in memory that it shares with the thread of the lease, which can
 * read it while the event loop is blocked. Times are performance.now() of the main thread. An
 * attempt costs about 0.1 µs.
 */
export type LoopTable = {
  readonly shared: SharedArrayBuffer;
  /** Notes that the event loop has turned, and how late it was lately, in ms. */
  turn(inFlight: number, delayMs: number): void;
  /** Gives the place of an attempt, or -1 if none is free. */
  enter(attempt: SeenAttempt): number;
  leave(place: number): void;
};

export function createLoopTable(slots: number): LoopTable {
  const count = Math.max(8, slots * PLACES_PER_SLOT);
  const shared = new SharedArrayBuffer(HEADER * 8 + count * (NUMBERS * 8 + 2 * ID_BYTES));
  const { numbers, texts } = viewsOf(shared);
  const free = Array.from({ length: count }, (_, place) => count - 1 - place);
  return {
    shared,
    turn(inFlight, delayMs) {
      numbers[TURN] = performance.now();
      numbers[IN_FLIGHT] = inFlight;
      numbers[DELAY] = delayMs;
    },
    enter({ id, dispatchId, attempt, startedAt, limitMs }) {
      const place = free.pop() ?? -1;
      if (place < 0) return place;
      const at = HEADER + NUMBERS * place;
      texts.write(id, 2 * ID_BYTES * place, ID_BYTES, 'latin1');
      texts.write(dispatchId, 2 * ID_BYTES * place + ID_BYTES, ID_BYTES, 'latin1');
      numbers[at + 1] = limitMs;
      numbers[at + 2] = attempt;
      // Last, because it marks the place as taken.
      numbers[at] = startedAt;
      return place;
    },
    leave(place) {
      if (place < 0) return;
      numbers[HEADER + NUMBERS * place] = 0;
      free.push(place);
    },
  };
}

/**
 * The reader's side. A read while the main thread continues may be torn: read again before acting
 * on it.
 */
export type LoopView = {
  /** When the event loop last turned; 0 before the first time. */
  turnedAt(): number;
  inFlight(): number;
  /** How late the event loop was lately, in ms. */
  delayMs(): number;
  attempts(): SeenAttempt[];
};

export function viewLoop(shared: SharedArrayBuffer): LoopView {
  const { numbers, texts, places } = viewsOf(shared);
  const attemptAt = (place: number): SeenAttempt => {
    const [startedAt = 0, limitMs = 0, attempt = 0] = numbers.subarray(HEADER + NUMBERS * place);
    const at = 2 * ID_BYTES * place;
    const id = texts.toString('latin1', at, at + ID_BYTES);
    return {
      id,
      dispatchId: texts.toString('latin1', at + ID_BYTES, at + 2 * ID_BYTES),
      attempt,
      startedAt,
      limitMs,
    };
  };
  return {
    turnedAt: () => numbers[TURN] ?? 0,
    inFlight: () => numbers[IN_FLIGHT] ?? 0,
    delayMs: () => numbers[DELAY] ?? 0,
    attempts: () =>
      Array.from({ length: places }, (_, place) => place)
        .filter((place) => numbers[HEADER + NUMBERS * place] !== 0)
        .map(attemptAt),
  };
}
