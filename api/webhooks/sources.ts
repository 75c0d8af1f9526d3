import type { Config } from '../../config/schema.ts';
import type { Registry } from '../../core/registry.ts';
import { configuredSources } from './configured.ts';
import { gitea, github, PUSH_TASK } from './forges.ts';
import type { WebhookSource } from './source.ts';

export type WebhookConfig = Pick<
  Config,
  'GITEA_WEBHOOK_SECRET' | 'GITHUB_WEBHOOK_SECRET' | 'WEBHOOK_SOURCES'
>;

/** The senders of webhooks, by name. */
export type WebhookSources = ReadonlyMap<string, WebhookSource>;

/** All senders of webhooks. Throws if the configuration is unusable, and names the variable. */
export function webhookSources(config: WebhookConfig, registry: Registry): WebhookSources {
  for (const variable of ['GITEA_WEBHOOK_SECRET', 'GITHUB_WEBHOOK_SECRET'] as const) {
    if (config[variable] === undefined || registry.get(PUSH_TASK) !== undefined) continue;
    throw new Error(
      `${variable} is set, but there is no task ${PUSH_TASK} for pushes: define it, or remove ${variable}`,
    );
  }
  const others =
    config.WEBHOOK_SOURCES === undefined ? [] : configuredSources(config.WEBHOOK_SOURCES, registry);
  const all = [gitea(config.GITEA_WEBHOOK_SECRET), github(config.GITHUB_WEBHOOK_SECRET), ...others];
  return new Map(all.map((source) => [source.name, source]));
}
