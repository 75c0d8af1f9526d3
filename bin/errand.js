#!/usr/bin/env node
// The command `errand`. It is JavaScript that any Node understands, so that an old one gets a sentence
// instead of a syntax error. In a checkout it runs the sources, in the package what was built of them.
import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Errand needs Node 22.18 or newer, and this is Node ${process.versions.node}. Install a newer Node (https://nodejs.org).`,
  );
  process.exit(1);
}
const source = new URL('../cli/main.ts', import.meta.url);
const built = new URL('../dist/cli/main.js', import.meta.url);
await import((existsSync(source) ? source : built).href);
