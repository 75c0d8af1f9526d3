import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createLogger, type ProcessLogger } from './logger.ts';
import { lifecycleLevel } from './standby.ts';
import { type Stopping, stopOnSignal } from './stop.ts';

/** The first results of every process. For `onSignal` and `stopBroken` see stopOnSignal. */
export type Prepared = { config: Config } & Stopping & ProcessLogger;

/**
 * The first two steps of every process (specification X11): its configuration, then its logger. From then on
 * it handles signals. Until `onSignal` is called, a signal ends the process with the exit code
 * `exitCodeBefore`.
 */
export async function prepare(processName: string, exitCodeBefore = 0): Promise<Prepared> {
  const config = loadConfig();
  const logger = await createLogger(config, processName);
  const { log } = logger;
  const stopping = stopOnSignal(log, exitCodeBefore);
  const level = lifecycleLevel();
  log[level]({ step: 'config', node_env: config.NODE_ENV }, 'start: config');
  log[level]({ step: 'logger', level: config.LOG_LEVEL }, 'start: logger');
  return { config, ...stopping, ...logger };
}
