import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Pool } from 'pg';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll } from 'vitest';
import type { AppOptions } from '../../../api/app.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { definitions, ownDefinitions } from '../../../tasks/index.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { buildDashboard } from '../../support/build_dashboard.ts';
import { createDatabase } from '../../support/database.ts';
import { startFileRunner, type TestRunnerOptions } from '../../support/runner.ts';
import { startChromium } from '../browser/chromium.ts';

/** Git ignores it. Somebody looks at what is here after a run. */
const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A page of the dashboard in a browser that knows nothing, and what it complains of. */
export type Tab = {
  page: Page;
  /** Errors and warnings of the console, uncaught errors, and violations of the policy. */
  complaints: string[];
  /** The URLs that were asked for. */
  asked: string[];
  /** Keeps a picture for the person who looks at them. */
  shot(name: string): Promise<void>;
  /** What axe-core finds that is serious or critical: the rule, and where. */
  findings(): Promise<string[]>;
};

export type Dashboard = {
  pool: Pool;
  api: TestApi;
  browser: Browser;
  /** Opens a page, by its path below `/ui`. `secret` signs in before. */
  open(path: string, options?: Opening): Promise<Tab>;
  /** Submits a task, and gives its id. */
  submit(name: string, payload: object, more?: object): Promise<string>;
};

export type Opening = BrowserContextOptions & { secret?: string; base?: string };

/** Builds the dashboard if its sources have changed, and starts what it shows. Ends with the file. */
export async function startDashboard(
  options: Partial<AppOptions> & { runner?: TestRunnerOptions | false } = {},
): Promise<Dashboard> {
  buildDashboard();
  const { runner, ...ofApi } = options;
  const { pool } = await createDatabase();
  // As a process does at its start.
  await registerDefinitions(pool, [...definitions, ...ownDefinitions]);
  const api = await startApi(pool, ofApi);
  if (runner !== false) {
    const started = await startFileRunner(pool, runner);
    afterAll(() => started.stop());
  }
  const browser = await startChromium();
  return {
    ...{ pool, api, browser },
    open: (path, opening) => openTab(browser, api.url, path, opening),
    async submit(name, payload, more = {}) {
      const { body, status, text } = await api.call('POST', `/v1/tasks/${name}`, { payload, ...more });
      if (status !== 201) throw new Error(`${name} was answered with ${status}: ${text}`);
      return body.task.id;
    },
  };
}

/** Opens a page of a dashboard below any URL. */
export async function openTab(
  browser: Browser,
  url: string,
  path: string,
  { secret, base = '', ...context }: Opening = {},
): Promise<Tab> {
  const own = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...context });
  const page = await own.newPage();
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => asked.push(request.url()));
  if (secret !== undefined) {
    const entry = [`errand credentials ${base}/ui/`, secret] as const;
    await page.addInitScript(([name, value]) => sessionStorage.setItem(name, value), entry);
  }
  await page.goto(`${url}${base}/ui${path}`);
  return {
    ...{ page, complaints, asked },
    async shot(name) {
      mkdirSync(SCREENSHOTS, { recursive: true });
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
    },
    async findings() {
      // By the debugger, so the policy of the page does not stop it.
      await page.evaluate(AXE);
      const { violations } = (await page.evaluate('axe.run(document)')) as AxeResults;
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) =>
          nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary}`),
        );
    },
  };
}
