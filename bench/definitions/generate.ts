import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Build } from './builds.ts';

const NAMESPACES = 10;

/** A payload that fits each generated definition. */
const EXAMPLE = {
  title: 'A thing',
  quantity: 3,
  size: 'small',
  labels: ['new'],
  address: { street: 'Main Street 1', city: 'Berlin' },
  note: 'by hand',
  speed: 'slow',
  email: 'ann@example.com',
  order: '0195f3a0-7c1e-7b43-9f1e-2d6a4c8b9e01',
  urgent: true,
};

/**
 * A task of a build with so many generated definitions, with a payload that fits. If there are
 * none, a shipped task.
 */
export function someTask(count: number): { name: string; payload: Record<string, unknown> } {
  if (count === 0) return { name: 'example.now', payload: {} };
  return { name: nameOf(count), payload: EXAMPLE };
}

/**
 * Writes so many `*.task.ts` files of ten fields into a copy of a build, and makes its
 * `tasks/index.ts` list them instead of the shipped ones. The files are the same in every build; no
 * two definitions are the same.
 */
export async function generateDefinitions({ folder }: Build, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  for (const number of numbers)
    await writeFile(join(folder, 'tasks', `${nameOf(number)}.task.ts`), taskFile(number));
  const index = join(folder, 'tasks', 'index.ts');
  await rename(index, join(folder, 'tasks', 'shipped.ts'));
  await writeFile(index, indexFile(numbers));
}

function nameOf(number: number): string {
  return `made_${number % NAMESPACES}.kind_${number}`;
}

function indexFile(numbers: readonly number[]): string {
  return `import { createRegistry } from '../core/registry.ts';
${numbers.map((number) => `import { made as made${number} } from './${nameOf(number)}.task.ts';`).join('\n')}

export * from './shipped.ts';

export const definitions = [
${numbers.map((number) => `  made${number},`).join('\n')}
] as const;

export function loadRegistry() {
  return createRegistry(definitions);
}
`;
}

function taskFile(number: number): string {
  return `import { z } from 'zod';
import { defineTask } from '../core/task.ts';

export const made = defineTask({
  name: '${nameOf(number)}',
  version: '1.0.0',
  description: 'Task ${number} of the benchmark',
  payload: z.strictObject({
    title: z.string().min(1).max(${100 + number}).describe('What thing ${number} is called'),
    quantity: z.int().min(0).max(${1_000 + number}),
    size: z.enum(['small', 'large', 'size_${number}']),
    labels: z.array(z.string().max(${40 + number})).max(20),
    address: z.strictObject({
      street: z.string().max(${200 + number}),
      city: z.string(),
      country: z.string().length(2).optional(),
    }),
    note: z.string().max(${500 + number}).optional(),
    speed: z.enum(['slow', 'fast']).default('slow'),
    email: z.email(),
    order: z.uuid(),
    urgent: z.boolean(),
  }),
  result: z.strictObject({ reference: z.string().max(${60 + number}) }),
  example: ${JSON.stringify(EXAMPLE)},
});
`;
}
