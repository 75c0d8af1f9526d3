import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { coverageByRoom, coverageProblems } from './coverage.ts';
import { countTests, failures } from './test_report.ts';

// `npm run ci` runs all checks. It prints one line per check, and the output of a check that
// failed. The last line counts the tests. A room of which too little ran in them counts as a failure,
// too.
const ROOT = dirname(import.meta.dirname);
const scratch = mkdtempSync(join(tmpdir(), 'errand-ci-'));
const reports = { fast: join(scratch, 'fast.json'), system: join(scratch, 'system.json') };
const coverage = { fast: join(ROOT, 'coverage', 'fast'), system: join(ROOT, 'coverage', 'system') };

// The coverage of an earlier run does not count.
rmSync(join(ROOT, 'coverage'), { recursive: true, force: true });

const failed = [
  check('installed', 'node .ci/installed.ts'),
  check('types', 'npm run --silent typecheck'),
  check('lint', 'npm run --silent lint'),
  check('structure', 'npm run --silent structure'),
  check('generated', 'node .ci/generated.ts'),
  check('openapi', 'npm run --silent lint-openapi'),
  check('contract', 'node .ci/contract.ts'),
  check('tests', `npm test --silent -- ${reporting('fast')}`, () => failures(reports.fast)),
  check('system', `npm run test:system --silent -- ${reporting('system')}`, () => failures(reports.system)),
  // Kills everything at random under load for a minute, then runs the history checker (faults F30).
  check('soak', 'npm run --silent soak -- --minutes 1'),
].includes(false);

const tiers = Object.values(reports).map(countTests);
const passed = tiers.reduce((sum, tier) => sum + tier.passed, 0);
const failedTests = tiers.reduce((sum, tier) => sum + tier.failed, 0);
const measured = coverageByRoom(
  Object.values(coverage).map((folder) => join(folder, 'coverage-final.json')),
  ROOT,
);
rmSync(scratch, { recursive: true });
for (const [room, percent] of measured) console.log(`coverage  ${room.padEnd(10)} ${percent.toFixed(1)} %`);
const tooLow = coverageProblems(measured);
for (const problem of tooLow) console.log(`FAILED  coverage   ${problem}`);
console.log(`${passed} passed, ${failedTests + tooLow.length} failed`);
process.exitCode = failed || failedTests + tooLow.length > 0 ? 1 : 0;

/** Has vitest write its report to a file, beside what it says, and count the lines that run. */
function reporting(tier: 'fast' | 'system'): string {
  const report = `--reporter=default --reporter=json --outputFile.json=${reports[tier]}`;
  return `${report} --coverage --coverage.reportOnFailure --coverage.reportsDirectory=${coverage[tier]}`;
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
