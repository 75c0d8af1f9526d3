import { loadConfig } from '../config/load.ts';
import { checkSecond, run } from './run.ts';
import { findOrStart, type Server } from './server.ts';
import { readParagraphs } from './text.ts';

// `npm run demo` lets the pool count the words of nine chapters of Moby-Dick, twice. It exits with
// 0 only if all results are correct.

async function main(signal: AbortSignal): Promise<void> {
  const paragraphs = readParagraphs();
  const server = await findOrStart(loadConfig(), signal);
  try {
    await Promise.race([demonstrate(server, paragraphs), untilAborted(signal)]);
  } finally {
    if (server.startedHere) console.log('\nStopping the processes that the demo started.');
    await server.leave();
  }
}

async function demonstrate({ url }: Server, paragraphs: string[]): Promise<void> {
  console.log(`Moby-Dick, chapters 1 to 9: one task per paragraph, submitted to the API at ${url}\n`);
  console.log('Submitted');
  const first = await run(url, paragraphs);
  if (first.created === 0) console.log('  An earlier run had counted everything: nothing was executed now.');
  console.log('  The recorded totals are equal to a count made here.\n');
  console.log('Submitted again');
  const second = await run(url, paragraphs);
  checkSecond(first, second);
  console.log('  Every submission found its task of the first run. Nothing was executed again: attempts and');
  console.log('  times of all tasks have not changed.');
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => stopping.abort(new Error(`Stopped by ${name}.`)));
}

try {
  await main(stopping.signal);
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
