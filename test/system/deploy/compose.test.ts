import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createAuthenticate } from '../../../api/auth/authenticate.ts';
import { parseConfig } from '../../../config/load.ts';
import { variables } from '../../../config/schema.ts';
import { copied, environment, ROOT } from './dockerfile.ts';

type Service = {
  build?: string;
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  stop_grace_period?: string;
};

const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const { postgres, migrate, api, runner } = compose.services as Record<string, Service>;
const ours = Object.entries({ migrate, api, runner }) as [string, Service][];

test('it is a Postgres, a migration, an API and runners', () => {
  expect(Object.keys(compose.services)).toEqual(['postgres', 'migrate', 'api', 'runner']);
  expect(postgres?.image).toBe('postgres:18');
  expect(postgres?.volumes?.map((volume) => volume.split(':')[0])).toEqual(Object.keys(compose.volumes));
  expect(ours.map(([, { build }]) => build)).toEqual(['.', '.', '.']);
});

test.each(ours)('%s runs a script that the image has, with variables that exist', (_name, service) => {
  const [program, script = ''] = service.command ?? [];
  expect(program).toBe('node');
  expect(existsSync(join(ROOT, script))).toBe(true);
  expect(copied).toContain(script.split('/')[0]);
  const given = { ...environment, ...service.environment };
  expect(Object.keys(variables)).toEqual(expect.arrayContaining(Object.keys(given)));
  expect(parseConfig(given)).toMatchObject({ NODE_ENV: 'production' });
});

test('they meet at the Postgres beside them', () => {
  for (const [, service] of ours) {
    const url = new URL(service.environment?.DATABASE_URL ?? '');
    expect(Object.keys(compose.services)).toContain(url.hostname);
    expect([url.username, url.password, url.pathname]).toEqual([
      postgres?.environment?.POSTGRES_USER,
      postgres?.environment?.POSTGRES_PASSWORD,
      `/${postgres?.environment?.POSTGRES_DB}`,
    ]);
  }
});

test('Postgres answers before the migration begins, and that ends before anything else begins', () => {
  expect(postgres?.healthcheck?.test).toContain('pg_isready');
  expect(migrate?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
  for (const service of [api, runner]) {
    expect(service?.depends_on).toEqual({ migrate: { condition: 'service_completed_successfully' } });
  }
});

test('the API is on the host at its own port, and a runner is not, so that there can be many', () => {
  const { SERVER_PORT } = parseConfig({});
  expect(api?.ports).toEqual([`127.0.0.1:${SERVER_PORT}:${SERVER_PORT}`]);
  expect([runner?.ports, runner?.environment?.RUNNER_PORT]).toEqual([undefined, undefined]);
});

test('the API starts: callers need not say who they are, which is said aloud, and only this machine reaches it', async () => {
  const given = { ...environment, ...api?.environment };
  expect(await createAuthenticate(parseConfig(given))).toBeNull();
  await expect(createAuthenticate(parseConfig({ ...given, AUTH_ENABLED: undefined }))).rejects.toThrow(
    'NODE_ENV is production',
  );
  const ports = Object.values(compose.services).flatMap((service) => service.ports ?? []);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
});

test('a container is killed only after its drain has had its time', () => {
  const { SHUTDOWN_TIMEOUT_SECS, ABORT_GRACE_SECS } = parseConfig({});
  // 15 s are the runner's own, for writing its last outcomes.
  const drain = SHUTDOWN_TIMEOUT_SECS + ABORT_GRACE_SECS + 15;
  for (const service of [api, runner]) {
    expect(service?.stop_grace_period).toMatch(/^\d+s$/);
    expect(Number.parseInt(service?.stop_grace_period ?? '', 10)).toBeGreaterThan(drain);
  }
});
