import type { Logger } from 'pino';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { createLogger } from './logger.ts';

/** The first two steps of every process (specification X11): its configuration, then its logger. */
export async function prepare(processName: string): Promise<{ config: Config; log: Logger }> {
  const config = loadConfig();
  const log = await createLogger(config, processName);
  log.info({ step: 'config', node_env: config.NODE_ENV }, 'start: config');
  log.info({ step: 'logger', level: config.LOG_LEVEL }, 'start: logger');
  return { config, log };
}
