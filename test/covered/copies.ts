import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Beside the folder for processes: the folders that have copies of the sources, one a line, and a build of them. */
const COPIES = 'copies';
const BUILT = 'built';

/** Where a project has the JavaScript of the package. */
const INSTALLED = '/node_modules/errand/dist/';

/** What processes run in this copy of the sources counts, if anything does. Nothing in it may be changed. */
export function noteCopy(folder: string): void {
  const { NODE_V8_COVERAGE } = process.env;
  if (NODE_V8_COVERAGE) appendFileSync(join(dirname(NODE_V8_COVERAGE), COPIES), `${folder}\n`);
}

/** What processes run of this build, where it is installed, counts, if anything does. All builds of a run are the same. */
export function noteBuild(dist: string): void {
  const { NODE_V8_COVERAGE } = process.env;
  if (!NODE_V8_COVERAGE) return;
  const built = join(dirname(NODE_V8_COVERAGE), BUILT);
  if (existsSync(built)) return;
  const copy = mkdtempSync(`${built}-`);
  cpSync(dist, copy, { recursive: true });
  try {
    renameSync(copy, built);
  } catch {
    // Another test was faster.
    rmSync(copy, { recursive: true });
  }
}

/** Finds the files of this checkout whose copies ran. `processes` is the folder where processes write. */
export class Copies {
  readonly #root: string;
  readonly #built: string;
  readonly #folders: string[];

  constructor(processes: string, root: string) {
    const noted = join(dirname(processes), COPIES);
    this.#root = root;
    this.#built = join(dirname(processes), BUILT);
    this.#folders = existsSync(noted) ? readFileSync(noted, 'utf8').trim().split('\n') : [];
  }

  /** The file of this checkout for one in a copy, the kept one for one of an installed build, or the file itself. */
  originalOf(file: string): string {
    const installed = file.lastIndexOf(INSTALLED);
    if (installed !== -1) return join(this.#built, file.slice(installed + INSTALLED.length));
    const folder = this.#folders.find((copy) => file.startsWith(`${copy}/`));
    return folder === undefined ? file : join(this.#root, file.slice(folder.length + 1));
  }

  /** The source of a kept file of the build; undefined for others. */
  sourceOf(file: string): string | undefined {
    if (!file.startsWith(`${this.#built}/`) || !file.endsWith('.js')) return undefined;
    return join(this.#root, file.slice(this.#built.length + 1).replace(/\.js$/, '.ts'));
  }
}
