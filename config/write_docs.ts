import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envExample, withTable } from './docs.ts';

// `npm run config-docs`: writes .env.example, and the table of README.md, from the schema.
const ROOT = join(import.meta.dirname, '..');
const README = join(ROOT, 'README.md');

writeFileSync(join(ROOT, '.env.example'), envExample());
if (existsSync(README)) writeFileSync(README, withTable(readFileSync(README, 'utf8')));
