/**
 * Group commit: calls that arrive while one batch is being written go together in the next one, and a lone
 * call waits for nobody. Used wherever many small writes or reads can be one statement.
 *
 * `run` gets up to `maxItems` items and gives their results in the same order; when it throws, every call of
 * that batch is rejected with the same error. At most `parallel` batches are under way at once.
 */
export function gather<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  limits: { maxItems: number; parallel?: number },
): (item: Item) => Promise<Result> {
  type Call = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };
  const waiting: Call[] = [];
  const parallel = limits.parallel ?? 1;
  let underWay = 0;
  let scheduled = false;

  async function flush(calls: Call[]): Promise<void> {
    underWay++;
    try {
      const results = await run(calls.map((call) => call.item));
      if (results.length !== calls.length) {
        throw new Error(`A batch of ${calls.length} was answered with ${results.length} results`);
      }
      results.forEach((result, index) => {
        calls[index]?.resolve(result);
      });
    } catch (error) {
      for (const call of calls) call.reject(error);
    } finally {
      underWay--;
      start();
    }
  }

  function start(): void {
    scheduled = false;
    while (waiting.length > 0 && underWay < parallel) void flush(waiting.splice(0, limits.maxItems));
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
