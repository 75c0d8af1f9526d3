/**
 * Group commit: calls that arrive while one batch is being written go together in the next one, and a lone
 * call waits for nobody. Used wherever many small writes or reads can be one statement.
 *
 * `run` gets up to `maxItems` items, and no more than `maxWeight` of them together unless one alone is heavier;
 * it gives their results in the same order. When it throws, every call of that batch is rejected with the same
 * error, unless `isolate` says of the error that one item may be to blame: then each is run by itself, so that
 * it fails alone. At most `parallel` batches are under way at once.
 */
export function gather<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  limits: {
    maxItems: number;
    parallel?: number;
    maxWeight?: number;
    weightOf?: (item: Item) => number;
    isolate?: (error: unknown) => boolean;
  },
): (item: Item) => Promise<Result> {
  type Call = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };
  const waiting: Call[] = [];
  const parallel = limits.parallel ?? 1;
  let underWay = 0;
  let scheduled = false;

  async function flush(calls: Call[]): Promise<void> {
    underWay++;
    try {
      await settle(calls);
    } finally {
      underWay--;
      start();
    }
  }

  async function settle(calls: Call[]): Promise<void> {
    try {
      const results = await run(calls.map((call) => call.item));
      if (results.length !== calls.length) {
        throw new Error(`A batch of ${calls.length} was answered with ${results.length} results`);
      }
      for (const [index, result] of results.entries()) calls[index]?.resolve(result);
    } catch (error) {
      if (calls.length > 1 && limits.isolate?.(error)) {
        for (const call of calls) await settle([call]);
      } else {
        for (const call of calls) call.reject(error);
      }
    }
  }

  function start(): void {
    scheduled = false;
    while (waiting.length > 0 && underWay < parallel) void flush(waiting.splice(0, nextSize()));
  }

  function nextSize(): number {
    const { maxWeight, weightOf } = limits;
    const most = Math.min(waiting.length, limits.maxItems);
    if (maxWeight === undefined || weightOf === undefined) return most;
    let weight = 0;
    const fitting = waiting.slice(0, most).findIndex((call) => {
      weight += weightOf(call.item);
      return weight > maxWeight;
    });
    return fitting === -1 ? most : Math.max(1, fitting);
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // Not at once: what else is submitted in this turn of the event loop goes along.
      if (!scheduled && underWay < parallel) {
        scheduled = true;
        setImmediate(start);
      }
    });
}
