import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

/** The instructions of the Dockerfile, continued lines joined. */
const instructions = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  .replaceAll('\\\n', '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** What the image has of this checkout, beside its packages. */
export const copied: string[] = instructions
  .filter((line) => line.startsWith('COPY ') && !line.includes('--from') && !line.includes('package-lock'))
  // A pattern that matches one name lets the image do without it.
  .map((line) => (line.split(' ')[1] ?? '').replace(/\[(.)\]$/, '$1'));

/** The values of ENV. */
export const environment: Record<string, string> = Object.fromEntries(
  instructions.filter((line) => line.startsWith('ENV ')).map((line) => line.slice(4).split('=')),
);

/** The command of the health check and that of the image. */
export const healthCheck = commandOf('HEALTHCHECK');
export const command = commandOf('CMD');

function commandOf(instruction: string): string[] {
  const line = instructions.find((text) => text.startsWith(`${instruction} `)) ?? '';
  return JSON.parse(line.slice(line.indexOf('['))) as string[];
}
