import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createLogger, type ProcessLogger } from './logger.ts';
import { type HowToStop, stopOnSignal } from './stop.ts';

/** What every process begins with; `onSignal` is for saying how to stop, see stopOnSignal. */
export type Prepared = { config: Config; onSignal: (how: HowToStop) => void } & ProcessLogger;

/**
 * The first two steps of every process (specification X11): its configuration, then its logger. From then on it hears
 * signals, and until it says how to stop they end it with this exit code.
 */
export async function prepare(processName: string, exitCodeBefore = 0): Promise<Prepared> {
  const config = loadConfig();
  const logger = await createLogger(config, processName);
  const { log } = logger;
  const onSignal = stopOnSignal(log, exitCodeBefore);
  log.info({ step: 'config', node_env: config.NODE_ENV }, 'start: config');
  log.info({ step: 'logger', level: config.LOG_LEVEL }, 'start: logger');
  return { config, onSignal, ...logger };
}
