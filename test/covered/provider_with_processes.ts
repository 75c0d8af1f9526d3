import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { V8CoverageProvider } from '@vitest/coverage-v8/dist/provider.js';
import type { ReportContext, Vitest } from 'vitest/node';
import { Copies } from './copies.ts';
import { PROCESSES, processRuns } from './processes.ts';

type Coverage = ReturnType<V8CoverageProvider['createCoverageMap']>;
type Reading = Parameters<V8CoverageProvider['readCoverageFiles']>[0];
type Transform = V8CoverageProvider['transformFile'];

/**
 * Vitest's provider, which converts what tests ran, and after it, separately, what processes ran of the sources and of
 * the package that was built of them: positions are others in each.
 */
export class ProviderWithProcesses extends V8CoverageProvider {
  #reading: 'tests' | 'sources' | 'built' = 'tests';
  #copies = new Copies('', '');

  override initialize(vitest: Vitest): void {
    super.initialize(vitest);
    // Vitest copies the options of the provider into those of the workers, which would take the other module.
    this.options.provider = 'custom';
  }

  override async generateCoverage(context: ReportContext): Promise<Coverage> {
    const coverage = await super.generateCoverage(context);
    this.#copies = new Copies(this.#processes(), this.ctx.config.root);
    for (const kind of ['sources', 'built'] as const) {
      this.#reading = kind;
      // What no process loads is there already.
      addByLine(coverage, await super.generateCoverage({ ...context, allTestsRun: false }));
    }
    this.#reading = 'tests';
    return coverage;
  }

  override async readCoverageFiles(reading: Reading): Promise<void> {
    if (this.#reading === 'tests') return super.readCoverageFiles(reading);
    for (const scripts of processRuns(this.#processes())) {
      const files = scripts
        .filter(({ url }) => url.startsWith('file:'))
        .map(({ url, functions }) => ({ functions, file: this.#copies.originalOf(fileURLToPath(url)) }))
        .filter(({ file }) => this.isIncluded(file) && this.#isBuilt(file) === (this.#reading === 'built'));
      // Its positions are those of what Node runs, not of what Vite makes of the source.
      const result = files.map(({ functions, file }) => ({
        ...{ functions, url: pathToFileURL(file).href, startOffset: 0, isExtendedContext: true },
      }));
      reading.onFileRead({ result });
    }
    await reading.onFinished(this.ctx.getRootProject(), 'ssr');
  }

  override isIncluded(file: string, root?: string): boolean {
    return super.isIncluded(this.#copies.sourceOf(file) ?? file, root);
  }

  override async transformFile(...given: Parameters<Transform>): ReturnType<Transform> {
    const [file] = given;
    const source = this.#copies.sourceOf(file);
    if (source === undefined) return super.transformFile(...given);
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
    return { code: readFileSync(file, 'utf8'), map: { ...map, sources: [pathToFileURL(source).href] } };
  }

  #processes(): string {
    return join(this.options.reportsDirectory, PROCESSES);
  }

  #isBuilt(file: string): boolean {
    return this.#copies.sourceOf(file) !== undefined;
  }
}

/**
 * Adds by the line where a statement starts. Vite's source maps lose where statements end, and istanbul takes a
 * statement with another end for another one: it would count a function that did not run if the statement round it
 * did.
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
