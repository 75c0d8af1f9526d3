import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..', '..');

/** The instructions of the Dockerfile, continued lines joined. */
const instructions = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  .replaceAll('\\\n', '')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** The instructions of each stage, by its name. The last one, which is the image, has an empty name. */
const stages = new Map<string, string[]>();
for (const line of instructions) {
  if (line.startsWith('FROM ')) stages.set(/ AS (\w+)$/.exec(line)?.[1] ?? '', []);
  [...stages.values()].at(-1)?.push(line);
}

/** What a stage copies of this checkout, beside the lists of packages. */
function copiedBy(stage: string): string[] {
  return (stages.get(stage) ?? [])
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from') && !line.includes('package-lock'))
    .map((line) => line.split(' ')[1] ?? '');
}

/** What the image has of this checkout, beside its packages and its dashboard. */
export const copied: string[] = copiedBy('');
/** What the stage of the dashboard has of it, and the command that builds there. */
export const copiedForDashboard: string[] = copiedBy('dashboard');
export const buildsDashboard: string = stages.get('dashboard')?.at(-1)?.replace(/^RUN /, '') ?? '';
/** What the image takes from that stage. */
export const builtDashboard: string | undefined = instructions
  .find((line) => line.startsWith('COPY --from=dashboard /app/dashboard/dist'))
  ?.split(' ')
  .at(-1);

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
