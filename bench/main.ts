import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onStopSignals } from '../embedded/stop_signals.ts';
import { readEnvironment } from './environment.ts';
import { type BenchOptions, benchOptions, USAGE } from './options.ts';
import { measureReads } from './reads/section.ts';
import { mergeMarkdown, toJson, toMarkdown } from './report.ts';
import { startServer } from './server.ts';
import { measureWorkflows } from './workflows/section.ts';

// `npm run bench`: measures, and prints what came of it. It judges nothing: a run that measured ends with 0.
const RESULTS = join(import.meta.dirname, 'RESULTS.md');

const began = performance.now();
function tell(line: string): void {
  const seconds = ((performance.now() - began) / 1_000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds} s  ${line}\n`);
}

async function measure(options: BenchOptions): Promise<void> {
  let isStopping = false;
  const server = await startServer();
  const stop = (): void => {
    isStopping = true;
    // Whatever is under way fails then.
    void server.remove();
  };
  onStopSignals(stop, stop);
  try {
    const sections = [
      ...(options.only === 'workflows' ? [] : [await measureReads(server, options, tell)]),
      ...(options.only === 'reads' ? [] : [await measureWorkflows(server, options.repetitions, tell)]),
    ];
    const environment = await readEnvironment(server.version);
    process.stdout.write((options.json ? toJson : toMarkdown)(environment, sections));
    if (!options.write) return;
    const earlier = await readFile(RESULTS, 'utf8').catch(() => '');
    await writeFile(RESULTS, mergeMarkdown(earlier, environment, sections));
  } catch (error) {
    throw isStopping ? new Error('Stopped.') : error;
  } finally {
    await server.remove();
  }
}

try {
  const options = benchOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(USAGE);
  else await measure(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
