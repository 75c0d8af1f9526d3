import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { V8CoverageProvider } from '@vitest/coverage-v8/dist/provider.js';
import type { ReportContext, Vitest } from 'vitest/node';
import { PROCESSES, processRuns } from './processes.ts';

type Coverage = ReturnType<V8CoverageProvider['createCoverageMap']>;
type Reading = Parameters<V8CoverageProvider['readCoverageFiles']>[0];

/** Vitest's provider, which converts what tests ran, and after it, separately, what processes ran. */
export class ProviderWithProcesses extends V8CoverageProvider {
  #reading: 'tests' | 'processes' = 'tests';

  override initialize(vitest: Vitest): void {
    super.initialize(vitest);
    // Vitest copies the options of the provider into those of the workers, which would take the other module.
    this.options.provider = 'custom';
  }

  override async generateCoverage(context: ReportContext): Promise<Coverage> {
    const coverage = await super.generateCoverage(context);
    this.#reading = 'processes';
    // What no process loads is in the first part.
    addByLine(coverage, await super.generateCoverage({ ...context, allTestsRun: false }));
    this.#reading = 'tests';
    return coverage;
  }

  override async readCoverageFiles(reading: Reading): Promise<void> {
    if (this.#reading === 'tests') return super.readCoverageFiles(reading);
    for (const scripts of processRuns(join(this.options.reportsDirectory, PROCESSES))) {
      const ours = scripts.filter(
        ({ url }) => url.startsWith('file:') && this.isIncluded(fileURLToPath(url)),
      );
      // The positions are those of the source without its types, not of what Vite makes of it.
      reading.onFileRead({ result: ours.map((script) => ({ ...script, isExtendedContext: true })) });
    }
    await reading.onFinished(this.ctx.getRootProject(), 'ssr');
  }
}

/**
 * Adds by the line where a statement starts. Vite's source maps lose where statements end, and istanbul takes a
 * statement with another end for another one: it would count a function that did not run if its declaration did.
 */
function addByLine(coverage: Coverage, added: Coverage): void {
  const known = new Set(coverage.files());
  for (const file of added.files()) {
    const addition = added.fileCoverageFor(file);
    if (known.has(file)) {
      const runs = addition.getLineCoverage();
      const { s, statementMap } = coverage.fileCoverageFor(file);
      for (const [id, { start }] of Object.entries(statementMap))
        s[id] = (s[id] ?? 0) + (runs[start.line] ?? 0);
    } else coverage.addFileCoverage(addition);
  }
}
