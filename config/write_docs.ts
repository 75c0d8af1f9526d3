import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envExample, withTable } from './docs.ts';

// `npm run config-docs`: writes .env.example and the table of docs/guides/configuration.md from the schema.
const ROOT = join(import.meta.dirname, '..');
const GUIDE = join(ROOT, 'docs', 'guides', 'configuration.md');

writeFileSync(join(ROOT, '.env.example'), envExample());
if (existsSync(GUIDE)) writeFileSync(GUIDE, withTable(readFileSync(GUIDE, 'utf8')));
