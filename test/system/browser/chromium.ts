import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll } from 'vitest';

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

/** A real Chromium, where `CHROMIUM` says or Debian has it, with more flags. Closed when the file is done. */
export async function startChromium(more: readonly string[] = []): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath))
    throw new Error(`There is no ${executablePath}: install Chromium, or say in CHROMIUM where it is.`);
  const browser = await chromium.launch({
    executablePath,
    args: [...FLAGS, ...more],
  });
  afterAll(() => browser.close());
  return browser;
}
