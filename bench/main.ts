import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onStopSignals } from '../embedded/stop_signals.ts';
import { executionChart } from './chart.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { type BenchOptions, benchOptions, USAGE } from './options.ts';
import { killRemaining } from './process.ts';
import { mergeMarkdown, type Section, toJson, toMarkdown } from './report.ts';
import { runParts } from './run.ts';
import type { BenchServer } from './server.ts';

// `npm run bench` measures and prints the results. It does not judge them: a run that measured
// everything exits with 0.
const RESULTS = join(import.meta.dirname, 'RESULTS.md');
const CHART = join(import.meta.dirname, 'execution.svg');

const startedAt = performance.now();
function log(line: string): void {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6);
  process.stderr.write(`${seconds} s  ${line}\n`);
}

async function measure(options: BenchOptions): Promise<void> {
  let isStopping = false;
  let running: BenchServer | undefined;
  const failures: string[] = [];
  const stop = (): void => {
    isStopping = true;
    // Everything that is being measured fails then.
    void killRemaining();
    void running?.remove();
  };
  onStopSignals(stop, stop);
  process.on('uncaughtException', (error) => {
    // When a Postgres stops, each package reports its closing connections in its own way. Errors of
    // measurements are awaited elsewhere.
    if (!isStopping) log(`ignored: ${error.message}`);
  });
  const { version, sections } = await runParts(options, {
    log,
    onStart(server) {
      running = server;
      if (isStopping) stop();
    },
    onFailure(failure) {
      if (isStopping) return;
      failures.push(failure);
      log(failure);
    },
    isStopping: () => isStopping,
  });
  const environment = await readEnvironment(version);
  if (sections.length > 0) {
    process.stdout.write((options.json ? toJson : toMarkdown)(environment, sections));
    if (options.write) await write(environment, sections);
  }
  if (isStopping) throw new Error('Stopped.');
  if (failures.length > 0) throw new Error(failures.join('\n'));
}

async function write(environment: Environment, sections: readonly Section[]): Promise<void> {
  const earlier = await readFile(RESULTS, 'utf8').catch(() => '');
  await writeFile(RESULTS, mergeMarkdown(earlier, environment, sections));
  const chart = executionChart(environment, sections);
  if (chart !== null) await writeFile(CHART, chart);
}

try {
  const options = benchOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(USAGE);
  else await measure(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // At once, because a failed part may have left something that keeps this process running.
  process.exit(1);
}
