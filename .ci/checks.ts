import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { countTests, coverageByRoom, failures } from './test_report.ts';

// `npm run ci`: everything that must hold, one line per check, and what a check said when it failed. The last line
// counts the tests.
const ROOT = dirname(import.meta.dirname);
const scratch = mkdtempSync(join(tmpdir(), 'errand-ci-'));
const report = join(scratch, 'tests.json');

const failed = [
  check('installed', 'node .ci/installed.ts'),
  check('types', 'npm run --silent typecheck'),
  check('lint', 'npm run --silent lint'),
  check('structure', 'npm run --silent structure'),
  check('generated', 'node .ci/generated.ts'),
  check('openapi', 'npm run --silent lint-openapi'),
  check('contract', 'node .ci/contract.ts'),
  check(
    'tests',
    `npm test --silent -- --project browser --coverage --coverage.reportOnFailure --reporter=default --reporter=json --outputFile.json=${report}`,
    () => failures(report),
  ),
  // Everything killed at random under load for a minute, and the history checker's word on it (faults F30).
  check('soak', 'npm run --silent soak -- --minutes 1'),
].includes(false);

const tests = countTests(report);
const coverage = coverageByRoom(join(ROOT, 'coverage', 'coverage-summary.json'), ROOT);
rmSync(scratch, { recursive: true });
for (const [room, percent] of coverage) console.log(`coverage  ${room.padEnd(10)} ${percent.toFixed(1)} %`);
console.log(`${tests.passed} passed, ${tests.failed} failed`);
process.exitCode = failed || tests.failed > 0 ? 1 : 0;

/** The output of a check may be shown in part: what says why it failed, here its end, comes first. */
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
