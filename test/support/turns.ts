import { setImmediate as turn } from 'node:timers/promises';

/**
 * The longest turn of this process's event loop during some work, in milliseconds of CPU time.
 * Other work of the process waits that long, however busy the machine is.
 */
export async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let isOver = false;
  const watching = (async () => {
    let before = cpuMs();
    while (!isOver) {
      await turn();
      const now = cpuMs();
      longest = Math.max(longest, now - before);
      before = now;
    }
  })();
  await work();
  isOver = true;
  await watching;
  return longest;
}

/** How many times longer everything takes now than its CPU time, because the machine is busy. */
export function slowness(): number {
  const [startedAt, cpuAtStart] = [performance.now(), cpuMs()];
  while (cpuMs() - cpuAtStart < 50);
  return Math.max(1, (performance.now() - startedAt) / (cpuMs() - cpuAtStart));
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
