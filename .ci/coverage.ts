import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { createCoverageMap } from '@vitest/istanbul-lib-coverage';

/** All rooms whose code runs in Node. */
const ROOMS = [
  'api',
  'check',
  'cli',
  'client',
  'config',
  'core',
  'dev',
  'doctor',
  'embedded',
  'init',
  'package',
  'process',
  'project',
  'runner',
  'server',
  'store',
  'tasks',
  'testing',
] as const;

/**
 * At least this share of the lines of each room must run in the tests, in percent. All rooms have more, 92 to 99, so
 * that chance does not decide: a process that a test kills does not report what it ran.
 */
export const MIN_COVERAGE: Readonly<Record<string, number>> = Object.fromEntries(
  ROOMS.map((room) => [room, 90]),
);

/**
 * The covered share of lines, in percent, of each room, from the reports of several runs (istanbul's
 * `coverage-final.json`, with paths below `root`). A line is covered if it ran in one of them. A report that is
 * missing counts as a run of nothing.
 */
export function coverageByRoom(reports: readonly string[], root: string): Map<string, number> {
  const rooms = new Map<string, Map<string, boolean>>();
  for (const report of reports.filter((file) => existsSync(file))) {
    const coverage = createCoverageMap(JSON.parse(readFileSync(report, 'utf8')));
    for (const file of coverage.files()) {
      const room = relative(root, file).split('/')[0] ?? file;
      const lines = rooms.get(room) ?? new Map<string, boolean>();
      rooms.set(room, lines);
      for (const [line, runs] of Object.entries(coverage.fileCoverageFor(file).getLineCoverage())) {
        const place = `${file}:${line}`;
        lines.set(place, lines.get(place) === true || runs > 0);
      }
    }
  }
  return new Map([...rooms].sort().map(([room, lines]) => [room, percentCovered([...lines.values()])]));
}

function percentCovered(lines: readonly boolean[]): number {
  return lines.length === 0 ? 100 : (100 * lines.filter(Boolean).length) / lines.length;
}

/** The rooms below their least coverage: one sentence each. A room without a measurement counts as 0 %. */
export function coverageProblems(
  measured: ReadonlyMap<string, number>,
  least: Readonly<Record<string, number>> = MIN_COVERAGE,
): string[] {
  return Object.entries(least).flatMap(([room, percent]) => {
    const lines = measured.get(room) ?? 0;
    // Rounded down: 89.96 must not read as 90.0.
    const shown = (Math.floor(lines * 10) / 10).toFixed(1);
    return lines < percent
      ? [`${room}: ${shown} % of lines, at least ${percent} % wanted; see "Coverage" in CONTRIBUTING.md`]
      : [];
  });
}
