import type { TestProject } from 'vitest/node';
import { provideServer } from '../../support/provide_server.ts';

/** The Postgres that the project is named after: `postgres-14`. */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return provideServer(project, Number(project.name.replace('postgres-', '')));
}
