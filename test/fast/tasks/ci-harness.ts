import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pino from 'pino';
import { onTestFinished } from 'vitest';
import type { SchemaInput } from '../../../core/schema.ts';
import { createBuilder } from '../../../tasks/ci/build.ts';
import type { IsolationOptions } from '../../../tasks/ci/isolation.ts';
import { ciBuild } from '../../../tasks/ci.build.task.ts';
import { until } from '../../support/until.ts';
import { contextOf } from './http-harness.ts';

/** Commits by nobody in particular, whatever the machine says. */
const IDENTITY = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', '-c', 'commit.gpgSign=false'];

/** A git repository of one test. */
export type Repository = {
  folder: string;
  /** As it is cloned from. */
  url: string;
  git(...args: string[]): string;
  /** Commits files, with their contents by their paths, and gives the hash of the commit. */
  commit(files: Record<string, string>): string;
};

/** Makes a repository with the branch `main`, and no commit yet. */
export function makeRepository(): Repository {
  const folder = ownFolder('errand-repository-');
  const git = (...args: string[]): string =>
    execFileSync('git', [...IDENTITY, '-C', folder, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
  git('init', '--quiet', '--initial-branch=main');
  return {
    folder,
    url: `file://${folder}`,
    git,
    commit(files) {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), content);
      }
      git('add', '--all');
      git('commit', '--quiet', '--allow-empty', '--message', 'A commit');
      return git('rev-parse', 'HEAD');
    },
  };
}

/** A folder that is removed when the test is done. */
export function ownFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The declaration of a script. */
export function declared(run: string, more: Record<string, unknown> = {}): Record<string, string> {
  return { '.errand/ci.yaml': JSON.stringify({ run, ...more }) };
}

export type Line = { level: number; msg: string; stream?: string };

type BuildOptions = {
  repositories?: string[];
  signal?: AbortSignal;
  abortGraceMs?: number;
  isolation?: IsolationOptions;
};
type Payload = Partial<SchemaInput<typeof ciBuild.payload>> & { repository: string; commit: string };

/** Builds as a runner would, the payload parsed first; `lines` gets what is logged, as it comes. */
export async function build(payload: Payload, options: BuildOptions = {}, lines: Line[] = []) {
  const { repositories = [payload.repository], signal, abortGraceMs = 2_000 } = options;
  const { isolation = { mode: 'auto' } } = options;
  const builder = createBuilder({ repositories, abortGraceMs, isolation });
  const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line) as Line) });
  return builder(ciBuild.payload.parse({ branch: 'main', ...payload }), { ...contextOf(signal), log });
}

/** What is logged about a build, and not by it; the last where the machine can't isolate builds. */
export const OWN_LINE = /^(checking out |removing |this machine cannot isolate builds)/;

/** What the script wrote, of what is logged. */
export function written(lines: Line[], stream?: 'stderr'): string[] {
  return lines.filter((line) => line.stream === stream && !OWN_LINE.test(line.msg)).map(({ msg }) => msg);
}

/** The folders of builds that this process has now. */
export function buildFolders(): string[] {
  const own = new RegExp(`^errand-build-.*-${process.pid}-`);
  return readdirSync(tmpdir()).filter((name) => own.test(name));
}

/** Whether a process is there, and no zombie that nobody has waited for. */
export function isRunning(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  return existsSync(status) && !/^State:\s+Z/m.test(readFileSync(status, 'utf8'));
}

/**
 * The pids that this process knows those by which a script of its builds has told: in a namespace they have others.
 * Waits until it has found them all.
 */
export function pidsHere(told: number[]): Promise<number[]> {
  const own = new RegExp(`(^|\\0)ERRAND_BUILD_FOLDER=[^\\0]*/errand-build-[^\\0]*-${process.pid}-`);
  return until(`${told} are found`, () => {
    const found = allPids().filter((pid) => {
      const innermost = /^NSpid:.*?(\d+)$/m.exec(readProcess(pid, 'status'))?.[1];
      return told.includes(Number(innermost)) && own.test(readProcess(pid, 'environ'));
    });
    return found.length === told.length && found;
  });
}

/** The pids of what runs with this among its arguments. */
export function runningWith(argument: string): number[] {
  return allPids().filter((pid) => readProcess(pid, 'cmdline').split('\0').includes(argument));
}

function allPids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
}

/** Puts a program called `git` first on a PATH, which it gives. */
export function fakeGit(script: string): string {
  const folder = ownFolder('errand-git-');
  writeFileSync(join(folder, 'git'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'git'), 0o755);
  return `${folder}:${process.env.PATH}`;
}
