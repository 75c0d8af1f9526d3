import { type BenchOptions, PART_NAMES, type PartName } from './options.ts';
import { onServer, PARTS, type Parts } from './parts.ts';
import { killRemaining } from './process.ts';
import type { Section } from './report.ts';
import { type BenchServer, startServer } from './server.ts';

/** The results of a run: the measured parts, in order. */
export type Run = { version: string; sections: Section[] };

type Control = {
  log: (line: string) => void;
  /** Gets each started server, to remove it if the run is stopped. */
  onStart: (server: BenchServer) => void;
  /** Gets a message for each part that could not be measured. */
  onFailure: (failure: string) => void;
  isStopping: () => boolean;
};

/**
 * Measures the requested parts. Parts with the same Postgres settings share a server. If a part
 * fails, the others are still measured. Throws if no Postgres starts.
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
  const { bench, close } = onServer(server, options, control.log);
  for (const name of names) {
    if (control.isStopping()) break;
    try {
      run.sections.push(await parts[name].measure(bench));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      control.onFailure(`${name} failed: ${reason}`);
      await killRemaining();
    }
  }
  await close();
}
