import { type BenchOptions, PART_NAMES, type PartName } from './options.ts';
import { onServer, PARTS, type Parts } from './parts.ts';
import { killLeftOver } from './process.ts';
import type { Section } from './report.ts';
import { type BenchServer, startServer } from './server.ts';

/** What came of a run: the parts that were measured, in order. */
export type Run = { version: string; sections: Section[] };

type Control = {
  tell: (line: string) => void;
  /** Gets each server that is started, to remove it when the run is to stop. */
  onStart: (server: BenchServer) => void;
  /** Hears of each part that could not be measured. */
  onFailure: (failure: string) => void;
  isStopping: () => boolean;
};

/**
 * Measures the parts that were asked for, those that need the same settings of Postgres on one server. One that fails
 * doesn't keep the others from being measured. Throws when no Postgres starts.
 */
export async function runParts(options: BenchOptions, control: Control, parts: Parts = PARTS): Promise<Run> {
  const run: Run = { version: 'unknown', sections: [] };
  const names = PART_NAMES.filter((name) => options.only.includes(name));
  const groups = Map.groupBy(names, (name) => parts[name].settings);
  for (const [settings, group] of groups) {
    if (control.isStopping()) break;
    const server = await startServer(settings);
    control.onStart(server);
    run.version = server.version;
    await runOn(server, group, { options, control, parts, run }).finally(() => server.remove());
  }
  return run;
}

async function runOn(
  server: BenchServer,
  names: readonly PartName[],
  { options, control, parts, run }: { options: BenchOptions; control: Control; parts: Parts; run: Run },
): Promise<void> {
  const { bench, close } = onServer(server, options, control.tell);
  for (const name of names) {
    if (control.isStopping()) break;
    try {
      run.sections.push(await parts[name].measure(bench));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      control.onFailure(`${name} failed: ${reason}`);
      await killLeftOver();
    }
  }
  await close();
}
