import type { Schemas } from '../store/database/schemas.ts';

/** A name such as `errand.tasks`, or that of a part of it, with the name that its schema has here. */
export function realName(name: string, { errand, worker }: Schemas): string {
  const [schema = '', ...rest] = name.split('.');
  return [schema === 'errand_worker' ? worker : errand, ...rest].join('.');
}
