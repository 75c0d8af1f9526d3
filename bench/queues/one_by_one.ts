/** How many tasks are on their way into a queue at a time when each comes by itself. */
export const CALLERS = 32;

/** Does something so many times, CALLERS of them at a time. Throws what the first one throws that fails. */
export async function byTurns(count: number, submit: () => Promise<unknown>): Promise<void> {
  let begun = 0;
  const caller = async (): Promise<void> => {
    while (begun++ < count) await submit();
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}
