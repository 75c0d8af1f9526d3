import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import v8 from '@vitest/coverage-v8';
import type { CoverageProviderModule } from 'vitest/node';
import { PROCESSES } from './processes.ts';

/**
 * Vitest's provider of coverage, which also counts what the processes and threads run that tests
 * start. Node writes what each of them ran when it ends, for all whose parent has NODE_V8_COVERAGE.
 * A killed process writes nothing.
 *
 * Vitest has an option for this (`autoAttachSubprocess`), with two faults. It adds the positions in
 * the source, of processes, to those in what Vite made of it, of tests, so a file that both run gets
 * wrong lines. And it reads the folder while processes still write there, where half a file ends the run.
 */
const provider: CoverageProviderModule = {
  async startCoverage(options) {
    await v8.startCoverage?.({ ...options, autoAttachSubprocess: false });
    const folder = join(options.reportsDirectory, PROCESSES);
    mkdirSync(folder, { recursive: true });
    // Tests also start processes of other users. One that cannot write says so in its output.
    chmodSync(folder, 0o777);
    process.env.NODE_V8_COVERAGE = folder;
  },
  takeCoverage: (options) => v8.takeCoverage?.(options),
  stopCoverage: (options) => v8.stopCoverage?.(options),
  async getProvider() {
    // Only the process that reports needs it, and it loads all of Vitest.
    const { ProviderWithProcesses } = await import('./provider_with_processes.ts');
    return new ProviderWithProcesses();
  },
};
export default provider;
