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
type Summary = Record<string, { lines: { total: number; covered: number } }>;

/**
 * How many tests passed and failed, from vitest's JSON report. A file that failed as a whole, before or after its
 * tests, is one failure; without a report nothing has passed.
 */
export function countTests(file: string): { passed: number; failed: number } {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  return { passed: readReport(file).numPassedTests, failed: failures(file).length };
}

/** What failed, each with its file and the first lines of why, from vitest's JSON report: the output itself is long. */
export function failures(file: string): string[] {
  if (!existsSync(file)) return [];
  return readReport(file).testResults.flatMap(({ name, status, message = '', assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0 && status === 'failed') return [`${name}: ${beginning(message)}`];
    return failed.map(
      (test) => `${name}: ${test.fullName}: ${beginning(test.failureMessages?.join('\n') ?? '')}`,
    );
  });
}

function readReport(file: string): Report {
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

const FIRST_LINES = 12;

function beginning(message: string): string {
  return message.split('\n').slice(0, FIRST_LINES).join('\n');
}

/** The covered share of lines, in percent, of each room and of all, from the coverage summary. */
export function coverageByRoom(file: string, root: string): Map<string, number> {
  const rooms = new Map<string, { total: number; covered: number }>();
  if (!existsSync(file)) return new Map();
  for (const [path, { lines }] of Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Summary)) {
    const room = path === 'total' ? 'all' : (path.slice(root.length + 1).split('/')[0] ?? path);
    const sum = rooms.get(room) ?? { total: 0, covered: 0 };
    rooms.set(room, { total: sum.total + lines.total, covered: sum.covered + lines.covered });
  }
  return new Map([...rooms].map(([room, { total, covered }]) => [room, (100 * covered) / total]));
}
