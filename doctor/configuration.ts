import { ConfigError, loadConfig } from '../config/load.ts';
import { productionProblems } from '../config/production.ts';
import type { Config } from '../config/schema.ts';
import { error, type Finding, ok, warning } from './finding.ts';

/** The configuration of this process, or null if it is not valid; and what is to be said of it. */
export type Configured = { config: Config | null; findings: Finding[] };

/** Reads `.env` and the environment, and judges them. Secrets are masked in all findings. */
export function examineConfiguration(): Configured {
  try {
    const config = loadConfig();
    return { config, findings: judgeConfiguration(config, process.env) };
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return { config: null, findings: judgeInvalid(thrown.message) };
  }
}

/** One finding for each variable that the message of a ConfigError names. */
export function judgeInvalid(message: string): Finding[] {
  return message
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) =>
      error('configuration', {
        subject: /^\s*(\w+)=/.exec(line)?.[1] ?? null,
        message: line.trim(),
        remedy: 'Set another value in the environment or in .env, or remove it to get the default',
      }),
    );
}

/** Judges a valid configuration. Values that production refuses are only warned of elsewhere. */
export function judgeConfiguration(
  config: Pick<Config, 'NODE_ENV' | 'DATABASE_URL' | 'PGHOST'>,
  given: Record<string, string | undefined>,
): Finding[] {
  const unsafe = config.NODE_ENV === 'production' ? [] : productionProblems(given);
  const findings = unsafe.map(({ name, reason }) =>
    warning('configuration_unsafe', {
      subject: name,
      message: `${name} is not accepted in production: ${reason}`,
      remedy: 'Set another value before you set NODE_ENV=production',
    }),
  );
  return [ok('configuration', `The configuration is valid (NODE_ENV is ${config.NODE_ENV})`), ...findings];
}
