import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './documents.ts';
import { scratchFolder } from './scratch.ts';

/** The file of each entry of the package in this checkout. */
const ENTRIES: Readonly<Record<string, string>> = {
  errand: 'package/index.ts',
  'errand/client': 'client/index.ts',
  'errand/server': 'server/index.ts',
  'errand/testing': 'testing/index.ts',
};

/**
 * Writes the files of a user's project as a guide has them, which import `errand` from this checkout and
 * everything else from its packages. Gives the folder, which the caller removes.
 */
export function guideProject(files: Readonly<Record<string, string>>): string {
  const folder = scratchFolder(0o755);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const code = text.replaceAll(/ from '(errand(?:\/\w+)?)';/g, (_, entry: string) => {
      return ` from '${join(ROOT, ENTRIES[entry] ?? entry)}';`;
    });
    writeFileSync(join(folder, name), code);
  }
  return folder;
}

/** The tasks of the shop in the guides. */
export const SHOP: Readonly<Record<string, string>> = {
  'tasks/shop.order.task.ts': `
import { defineTask } from 'errand';
import { z } from 'zod';
export const order = defineTask({
  name: 'shop.order',
  version: '1.0.0',
  description: 'Adds up an order, and has mails sent about it.',
  payload: z.object({ prices: z.array(z.number()).min(1) }),
  example: { prices: [1] },
  result: z.object({ total: z.number() }),
});
`,
  'tasks/shop.order.handler.ts': `
import { defineHandler } from 'errand';
import { mail } from './shop.mail.task.ts';
import { order } from './shop.order.task.ts';
export default defineHandler(order, async ({ prices }, { log, progress, submit }) => {
  const total = prices.reduce((sum, price) => sum + price, 0);
  log.info({ total }, 'added up');
  await submit(mail, { text: \`That makes \${total}\` });
  await submit(mail, { text: 'Do you like it?' }, { delayMs: 2 * 86_400_000 });
  progress(1);
  return { total };
});
`,
  'tasks/shop.mail.task.ts': `
import { defineTask } from 'errand';
import { z } from 'zod';
export const mail = defineTask({
  name: 'shop.mail',
  version: '1.0.0',
  description: 'Sends a mail.',
  payload: z.object({ text: z.string() }),
  example: { text: 'Hello' },
});
`,
  'tasks/shop.mail.handler.ts': `
import { defineHandler } from 'errand';
import { mail } from './shop.mail.task.ts';
export default defineHandler(mail, ({ text }) => text.length);
`,
};
