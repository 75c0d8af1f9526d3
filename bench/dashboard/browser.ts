import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  // A request to another host fails at once, instead of after a while.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Starts the Chromium that `CHROMIUM` names, else Debian's. Throws if there is none. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath))
    throw new Error(`There is no ${executablePath}: install Chromium, or say in CHROMIUM where it is.`);
  return chromium.launch({ executablePath, args: FLAGS });
}

/** A first look at a page, with an empty cache. */
export type Look = {
  /** From the start of the navigation until its data are shown, all is loaded, and the page is idle. */
  ms: number;
  /** The bytes that came over the network, compressed as they were. */
  bytes: number;
  /** The CPU time of all processes of the browser until then, in ms. It depends less on what else the machine does. */
  cpuMs: number;
};

/** Runs in the page before all else: notes when it is interactive. `shown` selects what has to be there. */
const watchReady = (shown: string): string => `(() => {
  const check = () => {
    const isThere = document.readyState === 'complete' && document.querySelector(${JSON.stringify(shown)}) !== null;
    if (isThere) requestIdleCallback(() => { globalThis.readyAt = performance.now(); });
    else requestAnimationFrame(check);
  };
  check();
})()`;

/** Opens a page as somebody does who was never there. `shown` selects what stands for its data. */
export async function lookAt(browser: Browser, url: string, shown: string): Promise<Look> {
  const usage = await cpuSecondsOf(browser);
  const before = await usage();
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await page.addInitScript(watchReady(shown));
    await page.goto(url);
    const ms = await readyAt(page);
    return { ms, bytes, cpuMs: ((await usage()) - before) * 1_000 };
  } finally {
    await context.close();
  }
}

const READY_WITHIN_MS = 60_000;

/** Waits until a page is interactive, past its policy, which allows no code of others. Throws if that takes a minute. */
async function readyAt(page: Page): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const at = await page.evaluate('globalThis.readyAt');
    if (typeof at === 'number') return at;
    if (performance.now() - startedAt > READY_WITHIN_MS)
      throw new Error(`${page.url()} does not show its data within ${READY_WITHIN_MS / 1_000} s`);
    await pause(20);
  }
}

/** Gives the function that reads the CPU seconds of all processes of a browser which are alive. */
async function cpuSecondsOf(browser: Browser): Promise<() => Promise<number>> {
  const session = await browser.newBrowserCDPSession();
  return async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
}

/**
 * The part of a core that all processes of a browser use while a page is open and `during` runs, as CDP reports. Throws
 * if `during` gives true, for changes, and the list on the page is still the same.
 */
export async function cpuOf(
  browser: Browser,
  url: string,
  shown: string,
  during: () => Promise<unknown>,
): Promise<number> {
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
  const cpuSeconds = await cpuSecondsOf(browser);
  try {
    await page.goto(url);
    await page.waitForSelector(shown);
    // The loading itself is measured elsewhere.
    await page.waitForTimeout(3_000);
    const list = page.locator('tbody');
    const [shownBefore, startedAt, before] = [
      await list.textContent(),
      performance.now(),
      await cpuSeconds(),
    ];
    const mustChange = await during();
    const used = (await cpuSeconds()) - before;
    const cores = used / ((performance.now() - startedAt) / 1_000);
    if (mustChange === true && (await list.textContent()) === shownBefore)
      throw new Error('The page has not followed the changes');
    return cores;
  } finally {
    await page.close();
  }
}
