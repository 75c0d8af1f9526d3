/**
 * Runs items one by one, `parallel` at a time. If one fails with an error that `isStuck` recognises, it goes
 * to the end and is tried again, for at most `waitBudgetMs`. New items go before such items. So stuck items
 * delay new ones by at most one try, however many there are.
 */
export function inTurn<Item, Result>(
  run: (item: Item) => Promise<Result>,
  options: { parallel: number; isStuck: (error: unknown) => boolean; waitBudgetMs: number },
): (item: Item) => Promise<Result> {
  type Call = {
    item: Item;
    until: number;
    resolve: (result: Result) => void;
    reject: (error: unknown) => void;
  };
  const fresh: Call[] = [];
  const stuck: Call[] = [];
  let running = 0;

  async function attempt(call: Call): Promise<void> {
    running++;
    try {
      call.resolve(await run(call.item));
    } catch (error) {
      if (options.isStuck(error) && performance.now() < call.until) stuck.push(call);
      else call.reject(error);
    } finally {
      running--;
      next();
    }
  }

  function next(): void {
    while (running < options.parallel) {
      const call = fresh.shift() ?? stuck.shift();
      if (call === undefined) return;
      void attempt(call);
    }
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      fresh.push({ item, until: performance.now() + options.waitBudgetMs, resolve, reject });
      next();
    });
}
