import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

// `npm run dashboard`: writes dashboard/dist/, which the API serves at /ui. With `--if-changed` it does nothing
// if the sources are those of the last build: `npm start` of a checkout calls it so.

const ROOT = dirname(import.meta.dirname);
const SOURCES = ['dashboard', 'client', 'package/build_dashboard.ts', 'package-lock.json'];
const DIST = join(ROOT, 'dashboard', 'dist');
/** The build takes the place of the last one when it is complete, so the API never serves half of it. */
const NEW = join(ROOT, 'dashboard', `dist.${process.pid}`);
/** The modules of the first view: the libraries, the parts that all pages share, and the two pages that visits start at. */
const SHELL =
  /\/node_modules\/(preact|preact-iso|@tanstack|p-retry|is-network-error)\/|\/client\/(errors|camel_case|tasks|submitted_task|records)\.ts|\/client\/requests\/|\/dashboard\/(charts|data|home|parts|session|shell|tasks|text|url)\//;
/** The hash of the sources of a build. */
const MARK = 'sources.txt';

const hash = hashOf(SOURCES);
if (!process.argv.includes('--if-changed') || hash !== builtFrom()) await build();

async function build(): Promise<void> {
  // Loaded only here, because most starts do not build.
  const [vite, { default: preact }] = await Promise.all([import('vite'), import('@preact/preset-vite')]);
  try {
    await vite.build({
      configFile: false,
      root: join(ROOT, 'dashboard'),
      // Relative: the prefix below which the API is reached is known only when it runs.
      base: './',
      logLevel: 'warn',
      plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false })],
      build: {
        ...{ outDir: NEW, emptyOutDir: true, target: 'es2024', modulePreload: { polyfill: false } },
        // What every page needs is one file, however many pages share a part of it.
        rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'shell', test: SHELL }] } } },
      },
    });
    compress(join(NEW, 'assets'));
    writeFileSync(join(NEW, MARK), `${hash}\n`);
    replaceDist();
  } finally {
    rmSync(NEW, { recursive: true, force: true });
  }
}

/** If another build of the same sources was faster, its result stays. */
function replaceDist(): void {
  rmSync(DIST, { recursive: true, force: true });
  try {
    renameSync(NEW, DIST);
  } catch (error) {
    if (builtFrom() !== hash) throw error;
  }
}

/** Writes the compressed forms of each file once, so that the API never compresses. */
function compress(folder: string): void {
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name));
    const brotli = { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } };
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, brotli));
    writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
  }
}

function builtFrom(): string | null {
  const mark = join(DIST, MARK);
  return existsSync(mark) ? readFileSync(mark, 'utf8').trim() : null;
}

/** The hash of these files, and of the files in these folders, without what a build has written. */
function hashOf(paths: readonly string[]): string {
  const sum = createHash('sha256');
  for (const path of paths.flatMap(filesOf).sort())
    sum.update(`${path}\0`).update(readFileSync(join(ROOT, path)));
  return sum.digest('hex');
}

function filesOf(path: string): string[] {
  if (/\.\w+$/.test(path) && !path.includes('/dist.')) return [path];
  return readdirSync(join(ROOT, path), { withFileTypes: true }).flatMap((entry) => {
    if (/^(dist(\.\d+)?|node_modules)$/.test(entry.name)) return [];
    const inner = `${path}/${entry.name}`;
    return entry.isDirectory() ? filesOf(inner) : [inner];
  });
}
