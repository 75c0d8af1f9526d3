import { existsSync, readFileSync } from 'node:fs';

type Report = {
  numPassedTests: number;
  testResults: {
    name: string;
    status: string;
    message?: string;
    assertionResults: { status: string; fullName: string; failureMessages?: string[] }[];
  }[];
};

/**
 * How many tests passed and failed, from vitest's JSON report. If a file failed outside of its
 * tests, that counts as one failure. Without a report nothing has passed.
 */
export function countTests(file: string): { passed: number; failed: number } {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  return { passed: readReport(file).numPassedTests, failed: failures(file).length };
}

/**
 * The failed tests from vitest's JSON report, each with its file and the first lines of its
 * message, because the output itself is long.
 */
export function failures(file: string): string[] {
  if (!existsSync(file)) return [];
  return readReport(file).testResults.flatMap(({ name, status, message = '', assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && status === 'failed') return [`${name}: ${firstLines(message)}`];
    return failed.map(
      (test) => `${name}: ${test.fullName}: ${firstLines(test.failureMessages?.join('\n') ?? '')}`,
    );
  });
}

function readReport(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

const FIRST_LINES = 12;

function firstLines(message: string): string {
  return message.split('\n').slice(0, FIRST_LINES).join('\n');
}
