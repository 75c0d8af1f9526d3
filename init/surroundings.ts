import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** The parts of a package.json that matter here. Other parts are kept as they are. */
const manifestSchema = z.looseObject({
  type: z.string().optional(),
  workspaces: z.unknown().optional(),
  scripts: z.record(z.string(), z.string()).optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
});
export type Manifest = z.output<typeof manifestSchema>;

export type Installer = 'npm' | 'pnpm' | 'yarn';

/** The folder in which a project is made. */
export type Surroundings = {
  readonly directory: string;
  /** Its package.json: the text as it stands and its content; null if there is none. */
  readonly manifest: { readonly text: string; readonly content: Manifest } | null;
  /** The names of the packages that this folder and those around it ask for. */
  readonly packages: ReadonlySet<string>;
  /** Whether package.json has to say that files are ES modules: it says nothing, and there are no files yet. */
  readonly makesModules: boolean;
  /** `ts` if Node takes `.ts` files of this folder for ES modules, otherwise `mts`. */
  readonly ext: 'ts' | 'mts';
  readonly installer: Installer;
  /** Whether a folder above has the lock file: this is a part of a workspace. */
  readonly isInWorkspace: boolean;
};

const LOCK_FILES: Record<string, Installer> = {
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'package-lock.json': 'npm',
};

/** Looks at a folder. Throws if a package.json is not valid. */
export function lookAround(directory: string): Surroundings {
  const manifest = readManifest(directory);
  const above = foldersAbove(directory);
  const packages = new Set(
    [directory, ...above].flatMap((folder) => {
      const content = readManifest(folder)?.content;
      return Object.keys({ ...content?.dependencies, ...content?.devDependencies });
    }),
  );
  const withLock = [directory, ...above].find((folder) => lockOf(folder) !== undefined);
  return {
    directory,
    manifest,
    packages,
    makesModules: manifest === null || (manifest.content.type === undefined && !hasSources(directory)),
    ext: manifest === null || typeOf(manifest.content, directory) === 'module' ? 'ts' : 'mts',
    installer: (withLock === undefined ? undefined : lockOf(withLock)) ?? calledBy(),
    isInWorkspace: withLock !== undefined && withLock !== directory,
  };
}

/** In a folder without sources, the package.json comes from `npm install errand`, which says no type. */
function typeOf({ type }: Manifest, directory: string): string | undefined {
  return type === undefined && !hasSources(directory) ? 'module' : type;
}

function hasSources(directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some(
    (entry) =>
      (entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.')) ||
      /\.[cm]?[jt]sx?$/.test(entry.name),
  );
}

function readManifest(directory: string): Surroundings['manifest'] {
  const file = join(directory, 'package.json');
  if (!existsSync(file)) return null;
  const text = readFileSync(file, 'utf8');
  try {
    const content: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    manifestSchema.parse(content);
    // Not what the schema gives: that has another order.
    return { text, content: content as Manifest };
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(
      `${file} is not valid: ${reason}\nCorrect it and run errand init again. Nothing was written.`,
    );
  }
}

/** The folders above that belong to the same workspace: up to the first that lists workspaces. */
function foldersAbove(directory: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(directory); ; folder = dirname(folder)) {
    folders.push(folder);
    const isRoot = existsSync(join(folder, 'pnpm-workspace.yaml')) || hasWorkspaces(folder);
    if (isRoot) return folders;
    if (folder === dirname(folder)) return [];
  }
}

function hasWorkspaces(folder: string): boolean {
  return readManifest(folder)?.content.workspaces !== undefined;
}

function lockOf(folder: string): Installer | undefined {
  return Object.entries(LOCK_FILES).find(([file]) => existsSync(join(folder, file)))?.[1];
}

/** `npx` and its like say who they are. */
function calledBy(): Installer {
  const agent = process.env.npm_config_user_agent ?? '';
  return agent.startsWith('pnpm') ? 'pnpm' : agent.startsWith('yarn') ? 'yarn' : 'npm';
}
