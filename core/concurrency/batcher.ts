/** How calls are collected into batches. */
export type BatcherOptions<Item, Result> = {
  /** The maximum number of items of a batch. */
  maxItems: number;
  /** The maximum weight of a batch, by `weightOf`. A single heavier item gets its own batch. */
  maxWeight?: number;
  weightOf?: (item: Item) => number;
  /** How many batches may run at a time. The default is 1. */
  parallel?: number;
  /**
   * Whether waiting calls are worth a batch beside those that run. If not, they wait and become one larger
   * batch. By default they are.
   */
  isWorthOne?: (waiting: readonly Item[]) => boolean;
  /**
   * A batch that runs longer than `afterMs` no longer counts, as long as at most `parallel` batches run in
   * all.
   */
  slow?: { afterMs: number; parallel: number };
  /**
   * Whether an error of a batch with `size` items may be caused by one of them. If so, each item is run
   * alone.
   */
  isolate?: (error: unknown, size: number) => boolean;
  /** How an item is run alone. By default, as a batch of one, one after the other. */
  alone?: (item: Item) => Promise<Result>;
};

/**
 * Group commit: calls that arrive while a batch runs go together into the next one, and a single call does
 * not wait. Used wherever many small writes or reads can be one statement.
 *
 * `run` gives the results of its items in order. If it throws, every call of that batch is rejected with the
 * same error, unless `isolate` says otherwise.
 */
export function batcher<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  limits: BatcherOptions<Item, Result>,
): (item: Item) => Promise<Result> {
  type Call = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };
  const { slow } = limits;
  const isolate = limits.isolate ?? (() => false);
  const waiting: Call[] = [];
  /** The start time of each running batch. */
  const running = new Set<{ startedAt: number }>();
  let scheduled = false;
  let timer: NodeJS.Timeout | undefined;

  async function apart(calls: Call[]): Promise<void> {
    for (const { item, resolve, reject } of calls) {
      // With `alone`, the items do not delay the batches.
      if (limits.alone !== undefined) void limits.alone(item).then(resolve, reject);
      else await runAll([item]).then(([result]) => resolve(result as Result), reject);
    }
  }

  async function runAll(items: Item[]): Promise<Result[]> {
    const results = await run(items);
    if (results.length === items.length) return results;
    throw new Error(`A batch of ${items.length} gave ${results.length} results`);
  }

  async function flush(calls: Call[]): Promise<void> {
    const batch = { startedAt: performance.now() };
    running.add(batch);
    try {
      const results = await runAll(calls.map((call) => call.item));
      for (const [index, result] of results.entries()) calls[index]?.resolve(result);
    } catch (error) {
      if (!isolate(error, calls.length)) for (const call of calls) call.reject(error);
      else await apart(calls);
    } finally {
      running.delete(batch);
      start();
    }
  }

  function start(): void {
    scheduled = false;
    while (waiting.length > 0 && mayStart(running, limits) && isWorthOne())
      void flush(waiting.splice(0, nextSize(waiting, limits)));
    if (waiting.length > 0) lookLater();
  }

  function isWorthOne(): boolean {
    if (running.size === 0 || limits.isWorthOne === undefined) return true;
    return limits.isWorthOne(waiting.map(({ item }) => item));
  }

  /** If the running batches become slow before they end, waiting calls start then. */
  function lookLater(): void {
    if (slow === undefined || timer !== undefined || running.size >= slow.parallel) return;
    timer = setTimeout(() => {
      timer = undefined;
      start();
    }, slow.afterMs);
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (scheduled) return;
      if (!mayStart(running, limits)) return lookLater();
      // Deferred, so that further calls of this turn of the event loop join the batch.
      scheduled = true;
      setImmediate(start);
    });
}

/** The running batches. */
type Running = ReadonlySet<{ startedAt: number }>;

function mayStart(
  running: Running,
  { parallel = 1, slow }: Pick<BatcherOptions<never, never>, 'parallel' | 'slow'>,
): boolean {
  if (running.size < parallel) return true;
  if (slow === undefined || running.size >= slow.parallel) return false;
  const now = performance.now();
  let awaited = 0;
  for (const { startedAt } of running) if (now - startedAt < slow.afterMs) awaited++;
  return awaited < parallel;
}

/** How many of the waiting calls form the next batch. */
function nextSize<Item>(
  waiting: readonly { item: Item }[],
  { maxItems, maxWeight, weightOf }: Pick<BatcherOptions<Item, never>, 'maxItems' | 'maxWeight' | 'weightOf'>,
): number {
  const count = Math.min(waiting.length, maxItems);
  if (maxWeight === undefined || weightOf === undefined) return count;
  let weight = 0;
  const fitting = waiting.slice(0, count).findIndex(({ item }) => {
    weight += weightOf(item);
    return weight > maxWeight;
  });
  return fitting === -1 ? count : Math.max(1, fitting);
}
