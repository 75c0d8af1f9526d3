import { isLoopback } from './listening.ts';
import type { VariableName } from './schema.ts';

/** A problem of a variable in production: its name, and the reason with a remedy. */
export type ProductionProblem = { name: VariableName; reason: string };

/**
 * Secrets that appear in our documentation, so everybody knows them. A test compares the list with the
 * documents. They are searched for in complete values, some of which are JSON.
 */
export const SAMPLE_SECRETS = [
  'postgres://user:password@',
  'whsec_cmVwbGFjZS10aGlzLXdpdGgtYS1zZWNyZXQh',
  'a-secret-of-16-characters-or-more',
  'replace-this-with-a-secret',
  '"Bearer a-token"',
];

/** The values of an environment that are fine for development but unsafe in production. */
export function productionProblems(given: Record<string, string | undefined>): ProductionProblem[] {
  const samples = Object.entries(given)
    .filter(([, value = '']) => SAMPLE_SECRETS.some((sample) => value.includes(sample)))
    .map(([name]) => ({
      name: name as VariableName,
      reason:
        'it contains a sample secret of the documentation, which everybody knows: replace it by your own (`openssl rand -base64 32` makes one)',
    }));
  return isOpenToChange(given.JWKS_URL) ? [...samples, UNSAFE_KEYS] : samples;
}

const UNSAFE_KEYS: ProductionProblem = {
  name: 'JWKS_URL',
  reason:
    'it uses http, so anybody on the network path can replace the keys: use an https: URL (http: is only for this machine)',
};

function isOpenToChange(url: string | undefined): boolean {
  const parsed = url === undefined ? null : URL.parse(url);
  return parsed?.protocol === 'http:' && !isLoopback(parsed.hostname);
}
