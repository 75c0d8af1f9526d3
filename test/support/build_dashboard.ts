import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** Builds the files of the dashboard, if its sources have changed since the last build. */
export function buildDashboard(): void {
  execFileSync(process.execPath, ['package/build_dashboard.ts', '--if-changed'], { cwd: ROOT });
}
