#!/usr/bin/env node
// The command `errand`. It is JavaScript that any Node understands, so that an old one gets a sentence
// instead of a syntax error. In a checkout it runs the sources, in the package what was built of them.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Errand needs Node 22.18 or newer, and this is Node ${process.versions.node}. Install a newer Node (https://nodejs.org).`,
  );
  process.exit(1);
}
// Loaded only now, because an old Node would not understand it.
const { keepCompiledCode, runModule } = await import('./entry.js');
keepCompiledCode();
await runModule('cli/main');
