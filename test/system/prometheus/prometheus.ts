import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { freePort } from '../../../embedded/ports.ts';
import { until } from '../../support/until.ts';

const RULES = join(import.meta.dirname, '..', '..', '..', 'deploy', 'prometheus', 'alerts.yaml');

const answerSchema = z.object({
  data: z.object({
    alerts: z.array(z.object({ labels: z.record(z.string(), z.string()), state: z.string() })),
  }),
});

export type Prometheus = {
  /** The labels of an alert that fires, without those of ours; null when it does not. */
  firing(alert: string): Promise<Record<string, string> | null>;
};

/**
 * Starts a real Prometheus, which scrapes these URLs each second with the rules of `deploy/`. They fire at once instead of
 * after the time that each has to hold: `promtool` looks at that. Ended when the test is done.
 */
export async function startPrometheus(targets: readonly string[]): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-prometheus-'));
  const rules = (await readFile(RULES, 'utf8')).replace(/^\s+for: .*\n/gm, '');
  await writeFile(join(directory, 'alerts.yaml'), rules);
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['alerts.yaml'],
    scrape_configs: [
      { job_name: 'errand', static_configs: [{ targets: targets.map((url) => new URL(url).host) }] },
    ],
  };
  await writeFile(join(directory, 'prometheus.yml'), stringify(config));
  const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  );
  await once(child, 'spawn').catch((error: Error) => {
    throw new Error(
      `There is no Prometheus on the path: install Debian's package prometheus. ${error.message}`,
    );
  });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(directory, { recursive: true, force: true });
  });
  await until('Prometheus is ready', () =>
    fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    async firing(alert) {
      const answer = await fetch(`http://${address}/api/v1/alerts`);
      const { alerts } = answerSchema.parse(await answer.json()).data;
      const found = alerts.find(({ labels, state }) => labels.alertname === alert && state === 'firing');
      if (found === undefined) return null;
      const { alertname: _name, severity: _severity, ...labels } = found.labels;
      return labels;
    },
  };
}
