import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createLogger, type ProcessLogger } from './logger.ts';

/** The first two steps of every process (specification X11): its configuration, then its logger. */
export async function prepare(processName: string): Promise<{ config: Config } & ProcessLogger> {
  const config = loadConfig();
  const logger = await createLogger(config, processName);
  const { log } = logger;
  log.info({ step: 'config', node_env: config.NODE_ENV }, 'start: config');
  log.info({ step: 'logger', level: config.LOG_LEVEL }, 'start: logger');
  return { config, ...logger };
}
