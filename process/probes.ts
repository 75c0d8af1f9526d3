import { Router } from 'express';
import { VERSION } from './version.ts';

/** One condition that must hold for the process to receive traffic. */
export type Check = { name: string; status: 'ok' | 'failed'; message?: string };

export type ProbeSource = {
  /** `api` or `runner`. */
  process: string;
  /** Whether the process is stopping: it is alive, but should receive no new work. */
  isDraining: () => boolean;
  checks: () => Promise<Check[]>;
  /** The additional part of `/health/detailed`. Without it, that path does not exist. */
  details?: () => Promise<Record<string, unknown>>;
};

/**
 * The probes of a process (specification A12, X9): `/health` reports its health, `/health/detailed` in
 * detail, `/ready` whether it may receive traffic (503 if not), `/live` that it runs. `/health/ready` and
 * `/health/live` are aliases.
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
