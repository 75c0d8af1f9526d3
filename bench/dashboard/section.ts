import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { Goal } from '../goals.ts';
import { goalSection, type Section } from '../report.ts';
import { inRounds } from '../rounds.ts';
import type { BenchServer } from '../server.ts';
import { cpuOf, type Look, lookAt, startBrowser } from './browser.ts';
import { openErrand } from './errand.ts';
import { installPeers, openBullBoard, openPgBoss, type Site } from './peers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MAX_RATIO = 0.5;
const MAX_KB = 150;
const MAX_CPU = 0.1;

/** `jobs` are finished ones in each queue. The CPU is measured for `seconds`. */
type Options = { jobs: number; rounds: number; seconds: number; changesPerSecond: number };

/** The looks at the first page and at the list of finished jobs, of each round. */
type Looks = { first: Look; list: Look };

/**
 * Measures the dashboard beside those of pg-boss and BullMQ: the time until a page is interactive and its size, in one
 * Chromium, with an empty cache; and the CPU of the browser while tasks change. It installs the dashboards of others
 * into a folder of the temporary one. Throws if a page does not show its data.
 */
export async function measureDashboard(
  server: BenchServer,
  options: Options,
  log: (line: string) => void,
): Promise<Section> {
  const { jobs, rounds, seconds, changesPerSecond } = options;
  execFileSync(process.execPath, ['package/build_dashboard.ts', '--if-changed'], { cwd: ROOT });
  log('installing the dashboards of others');
  const { folder, remove } = await installPeers();
  const sites: Site[] = [];
  const browser = await startBrowser();
  try {
    log(`filling with ${jobs.toLocaleString('en')} finished jobs each`);
    const errand = await openErrand(server, jobs);
    sites.push(errand, await openPgBoss(server, folder, jobs));
    const bullBoard = await openBullBoard(folder, jobs);
    if (bullBoard === null) log('without bull-board: redis-server is not installed');
    else sites.push(bullBoard);
    const looks = await inRounds(
      sites.map((site) => subject(browser, site)),
      rounds,
      log,
    );
    log(`the CPU of the browser at ${changesPerSecond} changes a second`);
    const { url, shown } = errand.list;
    const cpu = await cpuOf(browser, url, shown, async () => {
      await errand.change(changesPerSecond, seconds);
      return true;
    });
    const quiet = await cpuOf(
      browser,
      url,
      shown,
      () => new Promise((done) => setTimeout(done, seconds * 1_000)),
    );
    const results = sites.map(({ name }, index) => ({ name, looks: looks[index] ?? [] }));
    return goalSection({
      title: 'Dashboard',
      about:
        `Each dashboard over ${jobs.toLocaleString('en')} finished jobs, in one Chromium with an empty cache, in turns. ` +
        'Interactive: from the start of the navigation until the data are shown, everything is loaded and the page is ' +
        'idle. Errand shows its charts on the first page; the first pages of the others show their queues. CPU: all ' +
        `processes of the browser, while the list of tasks is open for ${seconds} s.`,
      goals: [...goalsOf(results), ...goalsOfCpu(cpu, quiet, changesPerSecond)],
      data: { ...options, looks: results, cpu, quiet },
    });
  } finally {
    await browser.close();
    for (const site of sites) await site.close();
    await remove();
  }
}

function subject(
  browser: Browser,
  { name, first, list }: Site,
): { name: string; measure: () => Promise<Looks> } {
  return {
    name,
    measure: async () => ({
      first: await lookAt(browser, first.url, first.shown),
      list: await lookAt(browser, list.url, list.shown),
    }),
  };
}

/**
 * The goals of the looks, ours first. Besides the times there is what the browser computed until then: it says the same on
 * a machine that does other things, too, where a time doubles.
 */
export function goalsOf([ours, ...theirs]: { name: string; looks: Looks[] }[]): Goal[] {
  const figures = (looks: readonly Looks[] | undefined, page: keyof Looks, of: (look: Look) => number) =>
    (looks ?? []).map((look) => of(look[page]));
  const compare = (what: string, page: keyof Looks): Goal[] =>
    theirs.map(({ name, looks }) => ({
      ...{ what, unit: 'ms', goal: { atMost: MAX_RATIO } },
      ours: figures(ours?.looks, page, ({ ms }) => ms),
      peer: { name, rounds: figures(looks, page, ({ ms }) => ms) },
    }));
  const kilobytes = (what: string, page: keyof Looks): Goal[] => [
    {
      ...{ what, unit: 'KB', peer: null, goal: { atMost: MAX_KB } },
      ours: figures(ours?.looks, page, ({ bytes }) => bytes / 1_000),
    },
    ...theirs.map(({ name, looks }) => ({
      ...{ what, unit: 'KB', goal: null },
      ours: figures(ours?.looks, page, ({ bytes }) => bytes / 1_000),
      peer: { name, rounds: figures(looks, page, ({ bytes }) => bytes / 1_000) },
    })),
  ];
  const computed = (what: string, page: keyof Looks): Goal[] =>
    theirs.map(({ name, looks }) => ({
      ...{ what, unit: 'CPU ms', goal: null },
      ours: figures(ours?.looks, page, ({ cpuMs }) => cpuMs),
      peer: { name, rounds: figures(looks, page, ({ cpuMs }) => cpuMs) },
    }));
  return [
    ...compare('first page is interactive', 'first'),
    ...compare('list of finished jobs is interactive', 'list'),
    ...computed('CPU of the browser until the first page is interactive', 'first'),
    ...computed('CPU of the browser until the list is interactive', 'list'),
    ...kilobytes('first page', 'first'),
    ...kilobytes('list of finished jobs', 'list'),
  ];
}

function goalsOfCpu(cpu: number, quiet: number, changesPerSecond: number): Goal[] {
  const alone = (what: string, share: number, goal: Goal['goal']): Goal => ({
    ...{ what, unit: 'cores', ours: [share], peer: null, goal },
  });
  return [
    alone(`CPU of the browser at ${changesPerSecond} changes a second`, cpu, { atMost: MAX_CPU }),
    alone('CPU of the browser while nothing changes', quiet, null),
  ];
}
