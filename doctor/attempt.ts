import { messageOf } from '../process/start.ts';
import type { Finding } from './finding.ts';

/** The finding that something could not be looked at. */
export function notExamined(area: Finding['area'], what: string, thrown: unknown): Finding {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const remedies: Record<string, string> = {
    '42501': 'Run it as a role that may read there, such as the owner of the schemas',
    '57014':
      'Something keeps Postgres from answering within 10 s: look at the findings locked and vacuum_held, and at its load',
    '42P01': 'Look at the findings about the schema first',
    '42703': 'Look at the findings about the schema first',
    '42883': 'Look at the findings about the schema first',
  };
  return {
    area,
    code: 'not_examined',
    // The finding about the rights says it, if the role may not read. Anything else is an error, so
    // that it does not pass for health.
    severity: code === '42501' ? 'warning' : 'error',
    subject: null,
    message: `It was not possible to look at ${what}: ${messageOf(thrown)}`,
    remedy: remedies[code] ?? 'Look at the other findings first, then run this again',
  };
}

/** Looks at one thing. If that fails, the finding is that it was not looked at. */
export async function attempt(
  area: Finding['area'],
  what: string,
  look: () => Promise<Finding[]>,
): Promise<Finding[]> {
  try {
    return await look();
  } catch (thrown) {
    return [notExamined(area, what, thrown)];
  }
}
