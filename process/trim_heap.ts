import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/**
 * Collects the garbage of the start, once, and gives its pages back: 4 to 8 MB, for a tenth of a second of CPU. V8
 * alone keeps them as long as the process is idle (Node 24.21). Blocks the event loop meanwhile, so call it
 * before the process is ready.
 */
export function trimHeap(): void {
  setFlagsFromString('--expose-gc');
  // Node offers the function only to contexts that are made while the flag is set.
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
