import { Router } from 'express';
import { VERSION } from './version.ts';

/** One thing that must be well for the process to get traffic. */
export type Check = { name: string; status: 'ok' | 'failed'; message?: string };

export type ProbeSource = {
  /** `api` or `runner`. */
  process: string;
  /** Whether the process is on its way out: alive, but not to be given work. */
  isDraining: () => boolean;
  checks: () => Promise<Check[]>;
  /** What `/health/detailed` adds to `/health`. Without it there is none. */
  details?: () => Promise<Record<string, unknown>>;
};

/**
 * The probes of a process (specification A12, X9): `/health` tells how it is, `/health/detailed` at length, `/ready`
 * whether it may get traffic (503 when not), `/live` that it runs. `/health/ready` and `/health/live` are the same for
 * those who look there.
 */
export function probes(source: ProbeSource): Router {
  const router = Router();
  const { details } = source;
  router.get('/health', async (_request, response) => {
    response.json(await health(source));
  });
  if (details !== undefined) {
    router.get('/health/detailed', async (_request, response) => {
      const [brief, more] = await Promise.all([health(source), details()]);
      response.json({ ...brief, ...more });
    });
  }
  router.get(['/ready', '/health/ready'], async (_request, response) => {
    const checks = [...(await source.checks()), drainCheck(source.isDraining())];
    const ready = allOk(checks);
    response.status(ready ? 200 : 503).json({ status: ready ? 'ready' : 'not_ready', checks });
  });
  router.get(['/live', '/health/live'], (_request, response) => {
    response.json({ status: 'live' });
  });
  return router;
}

async function health(source: ProbeSource): Promise<Record<string, unknown>> {
  const checks = await source.checks();
  return {
    status: source.isDraining() ? 'draining' : allOk(checks) ? 'ok' : 'degraded',
    process: source.process,
    version: VERSION,
    uptime_seconds: Math.round(process.uptime()),
    checks,
  };
}

function allOk(checks: Check[]): boolean {
  return checks.every((check) => check.status === 'ok');
}

function drainCheck(draining: boolean): Check {
  return draining
    ? { name: 'lifecycle', status: 'failed', message: 'the process is shutting down' }
    : { name: 'lifecycle', status: 'ok' };
}
