import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { exposedByProcesses, unknownIn } from './exposed.ts';
import { parsePromql } from './promql.ts';

const DEPLOY = join(import.meta.dirname, '..', '..', '..', 'deploy');

const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('$' + '{datasource}') });
const box = z.strictObject({
  x: z.int().min(0),
  y: z.int().min(0),
  w: z.int().min(1).max(24),
  h: z.int().min(1),
});
const dashboardSchema = z.looseObject({
  uid: z.string().min(1),
  title: z.string().min(1),
  schemaVersion: z.int().min(39),
  templating: z.looseObject({
    list: z.array(z.looseObject({ name: z.string(), type: z.string(), definition: z.string().optional() })),
  }),
  panels: z.array(
    z.discriminatedUnion('type', [
      z.looseObject({ type: z.literal('row'), id: z.int(), title: z.string(), gridPos: box }),
      z.looseObject({
        type: z.literal('timeseries'),
        id: z.int(),
        title: z.string().min(1),
        description: z.string().min(1),
        datasource,
        gridPos: box,
        targets: z
          .array(z.looseObject({ refId: z.string(), expr: z.string(), legendFormat: z.string(), datasource }))
          .min(1),
      }),
    ]),
  ),
});
const dashboard = dashboardSchema.parse(
  JSON.parse(readFileSync(join(DEPLOY, 'grafana', 'errand.json'), 'utf8')),
);

const alertsSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Errand[A-Za-z]+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+[smh]$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
          annotations: z.strictObject({ summary: z.string().min(10), description: z.string().min(80) }),
        }),
      ),
    }),
  ),
});
const { groups } = alertsSchema.parse(parse(readFileSync(join(DEPLOY, 'prometheus', 'alerts.yaml'), 'utf8')));
const alerts = groups.flatMap(({ rules }) => rules);

const charts = dashboard.panels.filter((panel) => panel.type === 'timeseries');
const queries = charts.flatMap(({ title, targets }) =>
  targets.map((target) => ({ where: title, ...target })),
);

test('everything that dashboard and alerts ask for is exposed by a real API and a real runner', async () => {
  const series = await exposedByProcesses();
  const all = [...queries, ...alerts.map(({ alert, expr }) => ({ where: alert, expr }))];
  const unknown = all.flatMap(({ where, expr }) =>
    unknownIn(parsePromql(expr), series).map((what) => `${where}: ${what}`),
  );
  expect(unknown).toEqual([]);
  expect(all.length).toBeGreaterThan(30);
  // Were something misspelt, it would be seen.
  expect(
    unknownIn(parsePromql('sum by (nome) (errand_attempts_total{outcome=~"failed|lost"})'), series),
  ).toEqual(['errand_attempts_total{outcome="lost"}', 'by (nome)']);
  expect(unknownIn(parsePromql('errand_attempt_total{a="b"} > errand_slots{c="d"}'), series)).toEqual([
    'errand_attempt_total',
    'errand_slots{c}',
  ]);
  // What we expose is also looked at by somebody.
  const used = new Set(all.flatMap(({ expr }) => parsePromql(expr).selectors.map(({ metric }) => metric)));
  const own = [...series.keys()].filter(
    (name) => name.startsWith('errand_') && !/_(sum|count|bucket)$/.test(name),
  );
  expect(own.filter((name) => !used.has(name))).toEqual([]);
});

test('what is no PromQL is noticed', () => {
  for (const broken of ['sum by (', 'rate(errand_slots[5m', '', 'max(', 'a b'])
    expect(() => parsePromql(broken), broken).toThrow();
});

test('legends and texts of alerts name labels that their expression has', () => {
  for (const { where, expr, legendFormat } of queries) {
    for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
      expect(parsePromql(expr).groupings, `${where}: ${label}`).toContain(label);
  }
  for (const { alert, expr, annotations } of alerts) {
    const texts = Object.values(annotations).join(' ');
    for (const [, label = ''] of texts.matchAll(/\$labels\.(\w+)/g))
      expect(parsePromql(expr).groupings, `${alert}: ${label}`).toContain(label);
  }
});

test('panels have ids of their own and do not lie on each other', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [index, { title, gridPos: a }] of dashboard.panels.entries()) {
    expect(a.x + a.w, title).toBeLessThanOrEqual(24);
    for (const { title: other, gridPos: b } of dashboard.panels.slice(index + 1)) {
      const isApart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      expect(isApart, `${title} and ${other}`).toBe(true);
    }
  }
  for (const { title, targets } of charts) {
    const refs = targets.map(({ refId }) => refId);
    expect(new Set(refs).size, title).toBe(refs.length);
  }
});

test('the datasource is chosen at import, and every variable that is used is there', () => {
  const { list } = dashboard.templating;
  expect(list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
  const names = list.map(({ name }) => name);
  for (const { where, expr } of queries) {
    for (const [, name = ''] of expr.matchAll(/\$\{?(\w+)/g))
      expect([...names, '__rate_interval'], where).toContain(name);
  }
});

test('alerts have names of their own', () => {
  const names = alerts.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['ErrandTasksWait', 'ErrandNoRunner', 'ErrandBreakerOpen']));
});
