import { expect } from 'vitest';
import { call } from '../../../support/api.ts';
import { type Family, parsePrometheus, seriesValue } from '../../../support/prometheus.ts';
import { until } from '../../../support/until.ts';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-/;

/** What `/metrics` of a process says: no id is a label, ever. */
export async function scrape({ url }: { url: string }): Promise<Map<string, Family>> {
  const { status, headers, text } = await call(url, 'GET', '/metrics');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(text).not.toMatch(UUID);
  return parsePrometheus(text);
}

/** Waits until a series has a value, and gives all of them as of then. */
export function reaches(
  process: { url: string },
  value: number | undefined,
  name: string,
  labels?: Record<string, string>,
): Promise<Map<string, Family>> {
  return until(`${name} ${JSON.stringify(labels)} is ${value}`, async () => {
    const families = await scrape(process);
    return seriesValue(families, name, labels) === value && families;
  });
}
