import type { Config } from '../../config/schema.ts';
import { configuredSources, isTask, requireTasks, type Tasks } from './configured.ts';
import { gitea, github, PUSH_TASK } from './forges.ts';
import type { WebhookSource } from './source.ts';

export type WebhookConfig = Pick<
  Config,
  'GITEA_WEBHOOK_SECRET' | 'GITHUB_WEBHOOK_SECRET' | 'WEBHOOK_SOURCES'
>;

/** The senders of webhooks, by name. */
export type WebhookSources = ReadonlyMap<string, WebhookSource>;

/** All senders of webhooks. Throws if the configuration is unusable, and names the variable. */
export function webhookSources(config: WebhookConfig): WebhookSources {
  const others = config.WEBHOOK_SOURCES === undefined ? [] : configuredSources(config.WEBHOOK_SOURCES);
  const all = [gitea(config.GITEA_WEBHOOK_SECRET), github(config.GITHUB_WEBHOOK_SECRET), ...others];
  return new Map(all.map((source) => [source.name, source]));
}

/**
 * Rejects if there is no task for an event, and names the variable. A start calls it when the definitions are
 * registered, because the task may belong to another repository.
 */
export async function requireWebhookTasks(config: WebhookConfig, tasks: Tasks): Promise<void> {
  for (const variable of ['GITEA_WEBHOOK_SECRET', 'GITHUB_WEBHOOK_SECRET'] as const) {
    if (config[variable] === undefined || (await isTask(PUSH_TASK, tasks))) continue;
    throw new Error(
      `${variable} is set, but there is no task ${PUSH_TASK} for pushes: define it, start a runner that has it, or remove ${variable}`,
    );
  }
  if (config.WEBHOOK_SOURCES !== undefined) await requireTasks(config.WEBHOOK_SOURCES, tasks);
}
