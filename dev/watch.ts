import { basename, sep } from 'node:path';
import { watch } from 'chokidar';

/** Editors write a file in several steps. */
const SETTLED_MS = 40;

/** A file of the project that has changed, and whether it is new or gone. */
export type Change = { readonly file: string; readonly isNewOrGone: boolean };

export type Watch = {
  /** Watches these files too, wherever they are. */
  add(files: ReadonlySet<string>): void;
  close(): Promise<void>;
};

/** Watches a project's folder without packages and folders that begin with a dot. Resolves when it watches. */
export async function watchProject(
  directory: string,
  onChanges: (changes: Change[]) => void,
): Promise<Watch> {
  const pending = new Map<string, Change>();
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(directory, {
    ignoreInitial: true,
    ignored: (path) => path.startsWith(directory + sep) && isIgnored(path.slice(directory.length)),
  });
  watcher.on('all', (event, file) => {
    if (event === 'addDir' || event === 'unlinkDir') return;
    pending.set(file, { file, isNewOrGone: event !== 'change' || pending.get(file)?.isNewOrGone === true });
    clearTimeout(timer);
    timer = setTimeout(() => {
      const changes = [...pending.values()];
      pending.clear();
      onChanges(changes);
    }, SETTLED_MS);
  });
  // Too many files for the system, for example.
  watcher.on('error', (error) => console.error(`Cannot watch all files of the project: ${String(error)}`));
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return {
    add: (files) => {
      const outside = [...files].filter((file) => !file.startsWith(directory + sep));
      if (outside.length > 0) watcher.add(outside);
    },
    close: async () => {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}

function isIgnored(path: string): boolean {
  return path
    .split(sep)
    .some((part) => part === 'node_modules' || (part.startsWith('.') && !part.startsWith('.env')));
}

const TASK_FILE = /\.(task|workflow|handler|steps|schedule)\.[cm]?[jt]s$/;
const CONFIG_FILE = /^errand\.config\.[cm]?[jt]s$/;

/** Whether a change may add, remove or change tasks although no process has loaded the file. */
export function changesProject({ file, isNewOrGone }: Change): boolean {
  const name = basename(file);
  return CONFIG_FILE.test(name) || name === '.env' || (isNewOrGone && TASK_FILE.test(name));
}

/** Whether a change may mend a project that cannot be loaded. */
export function mayMend({ file }: Change): boolean {
  return /\.([cm]?[jt]sx?|json)$/.test(file) || basename(file) === '.env';
}
