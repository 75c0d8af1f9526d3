import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';
import { parsePrometheus } from '../../support/prometheus.ts';
import { until } from '../../support/until.ts';
import type { Expression } from './promql.ts';

/** The labels of each series name that processes expose, with the values they have. */
export type Exposed = Map<string, Map<string, Set<string>>>;

/** Added by Prometheus to whatever it scrapes. */
const OF_PROMETHEUS = new Set(['instance', 'job']);

/** What a real API and a real runner expose when they have done some work. */
export async function exposedByProcesses(): Promise<Exposed> {
  const { url, pool } = await createDatabase();
  const [api, runner] = await Promise.all([
    startProcess('api/main.ts', url),
    startProcess('runner/main.ts', url),
  ]);
  // The shipped tasks have no limits.
  await pool.query(`insert into errand.limits (name, declared_slots) values ('example.echo', 1)`);
  const asked = { payload: { message: 'for the metrics' } };
  await call(api.url, 'POST', '/v1/tasks/example.echo?wait=20', asked);
  await call(api.url, 'GET', '/nowhere');
  return until('all of it is counted', async () => {
    const texts = await Promise.all([api, runner].map((one) => call(one.url, 'GET', '/metrics')));
    const exposed: Exposed = new Map();
    for (const { text } of texts) add(exposed, text);
    const isMeasured = exposed.get('errand_http_request_duration_seconds_bucket')?.get('route')?.has('none');
    return isMeasured === true && exposed.has('errand_limit_slots') && exposed;
  });
}

function add(exposed: Exposed, text: string): void {
  for (const { samples } of parsePrometheus(text).values()) {
    for (const { name, labels } of samples) {
      const known = exposed.get(name) ?? new Map<string, Set<string>>();
      exposed.set(name, known);
      for (const [label, value] of Object.entries(labels))
        known.set(label, (known.get(label) ?? new Set()).add(value));
    }
  }
}

/** What an expression names that nobody exposes: metrics, labels, and values of labels that are spelled out. */
export function unknownIn({ selectors, groupings }: Expression, exposed: Exposed): string[] {
  const unknown: string[] = [];
  for (const { metric, matchers } of selectors) {
    const labels = exposed.get(metric);
    if (labels === undefined) unknown.push(metric);
    for (const { label, value } of labels === undefined ? [] : matchers) {
      const values = labels?.get(label);
      if (values === undefined) unknown.push(`${metric}{${label}}`);
      // Of a pattern only when it is a list of words.
      const words = /^[\w|]+$/.test(value) ? value.split('|') : [];
      for (const word of words)
        if (values?.has(word) === false) unknown.push(`${metric}{${label}="${word}"}`);
    }
  }
  for (const label of groupings) {
    const isKnown =
      OF_PROMETHEUS.has(label) || selectors.some(({ metric }) => exposed.get(metric)?.has(label) === true);
    if (!isKnown) unknown.push(`by (${label})`);
  }
  return unknown;
}
