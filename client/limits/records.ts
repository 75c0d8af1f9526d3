/** The settings of operators for a limit, and the author of their last change. */
export type LimitSetting = {
  /** Whether `limit` replaces the declared value. */
  hasLimit: boolean;
  /** Null: no limit, or not set. */
  limit: number | null;
  paused: boolean;
  actor: string | null;
  at: string;
  reason: string | null;
};

/** The times of a rate: at most `burst` attempts start in any `windowSeconds`, so at most `limit` in a period. */
export type LimitRate = {
  periodSeconds: number;
  /** Null: no limit. */
  burst: number | null;
  windowSeconds: number;
  /** The starts of the last `windowSeconds`; of a rate with keys those of all keys. */
  starts: number;
  /** Whether there are more: then the count is a lower bound. */
  startsIsCapped: boolean;
};

/** A limit. If it has keys, the values hold for each key. Times are ISO 8601 in UTC. */
export type LimitSummary = {
  name: string;
  namespace: string;
  /** How many attempts run at a time, or how many start in a period. */
  kind: 'concurrency' | 'rate';
  isKeyed: boolean;
  /** Null for a limit of what runs at a time. */
  rate: LimitRate | null;
  /** The value that holds. Null: no limit. */
  limit: number | null;
  /** Whether an operator has paused it: nothing starts under it. */
  paused: boolean;
  /** The value of the definitions. Null if no registered definition has the limit. */
  declared: number | null;
  /** The definitions that have it, at most 20. */
  definitions: string[];
  /** Null if operators have set nothing. */
  setting: LimitSetting | null;
  /** How many slots are taken. `…IsCapped`: there are more, and the count is a lower bound. */
  holders: number;
  holdersIsCapped: boolean;
  waiters: number;
  waitersIsCapped: boolean;
  /** When the task was due that waits the longest, of those that were counted. */
  oldestWaiterSince: string | null;
};

/** A key of a limit. The key of a limit without keys is empty. */
export type LimitKey = {
  key: string;
  holders: number;
  holdersIsCapped: boolean;
  waiters: number;
  waitersIsCapped: boolean;
  oldestWaiterSince: string | null;
  /** Of a rate: the starts of its last window. Otherwise null. */
  starts: number | null;
  /** When the next attempt may start, as far as time decides. Null: now, or when a slot is free. */
  nextStartAt: string | null;
};

/** A limit with its busiest keys, the tasks that hold it and those that wait. */
export type LimitRecord = LimitSummary & {
  /** Those with the most waiters first. */
  keys: LimitKey[];
  /** Whether there are more keys than were compared. */
  keysIsCapped: boolean;
  /** Whether `keys` is empty because other namespaces share the limit. */
  keysAreHidden: boolean;
  holding: {
    id: string;
    name: string;
    step: string | null;
    key: string;
    runnerId: number;
    since: string;
  }[];
  waiting: {
    id: string;
    name: string;
    key: string;
    priority: number;
    /** When it was due. */
    since: string;
    /** A slot is kept for it since then, for a few seconds. */
    calledAt: string | null;
  }[];
};

/**
 * A limit after an operation, and whether that changed it. Without the scope `read`, only `name` and `paused` are
 * present.
 */
export type ChangedLimit = LimitSummary & { changed: boolean; message: string };
