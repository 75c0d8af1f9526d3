import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { countTests, coverageByRoom, failures } from './test_report.ts';

// `npm run ci` runs all checks. It prints one line per check, and the output of a check that
// failed. The last line counts the tests.
const ROOT = dirname(import.meta.dirname);
const COVERAGE = '--coverage --coverage.reportOnFailure';
const scratch = mkdtempSync(join(tmpdir(), 'errand-ci-'));
const reports = { fast: join(scratch, 'fast.json'), system: join(scratch, 'system.json') };

const failed = [
  check('installed', 'node .ci/installed.ts'),
  check('types', 'npm run --silent typecheck'),
  check('lint', 'npm run --silent lint'),
  check('structure', 'npm run --silent structure'),
  check('generated', 'node .ci/generated.ts'),
  check('openapi', 'npm run --silent lint-openapi'),
  check('contract', 'node .ci/contract.ts'),
  // Coverage of the fast tier alone: the other one starts processes, of which it sees nothing.
  check('tests', `npm test --silent -- ${COVERAGE} ${reporting(reports.fast)}`, () => failures(reports.fast)),
  check('system', `npm run test:system --silent -- ${reporting(reports.system)}`, () =>
    failures(reports.system),
  ),
  // Kills everything at random under load for a minute, then runs the history checker (faults F30).
  check('soak', 'npm run --silent soak -- --minutes 1'),
].includes(false);

const tiers = Object.values(reports).map(countTests);
const passed = tiers.reduce((sum, tier) => sum + tier.passed, 0);
const failedTests = tiers.reduce((sum, tier) => sum + tier.failed, 0);
const coverage = coverageByRoom(join(ROOT, 'coverage', 'coverage-summary.json'), ROOT);
rmSync(scratch, { recursive: true });
for (const [room, percent] of coverage) console.log(`coverage  ${room.padEnd(10)} ${percent.toFixed(1)} %`);
console.log(`${passed} passed, ${failedTests} failed`);
process.exitCode = failed || failedTests > 0 ? 1 : 0;

/** Has vitest write its report to a file, beside what it says. */
function reporting(file: string): string {
  return `--reporter=default --reporter=json --outputFile.json=${file}`;
}

/**
 * The output of a check may be cut, so the reasons of a failure come first. By default these are
 * the last lines.
 */
function check(name: string, command: string, reasons: (output: string) => string[] = lastLines): boolean {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(command, {
    cwd: ROOT,
    shell: true,
    encoding: 'utf8',
    maxBuffer: 100_000_000,
  });
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${seconds} s`);
  const output = `${stdout}${stderr}`;
  if (status !== 0) console.log([...reasons(output), output].join('\n\n'));
  return status === 0;
}

function lastLines(output: string): string[] {
  return [output.trimEnd().split('\n').slice(-8).join('\n')];
}
