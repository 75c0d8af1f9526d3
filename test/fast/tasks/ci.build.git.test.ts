import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  build,
  buildFolders,
  declared,
  fakeGit,
  type Line,
  makeRepository,
  ownFolder,
  written,
} from './ci-harness.ts';
import { failureOf, startTarget } from './http-harness.ts';

describe('git', () => {
  test('runs no hook and no filter of the machine, and fetches no submodule', async () => {
    const [inner, repository] = [makeRepository(), makeRepository()];
    inner.commit({ secret: 'inner' });
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.url, 'inner');
    const shown = 'ls -A inner | wc -l; ls .git/hooks 2>/dev/null | wc -l; ls -A ..';
    const commit = repository.commit(declared(shown));
    const template = ownFolder('errand-template-');
    const hooks = join(template, 'hooks');
    mkdirSync(hooks);
    // From a checkout it would write to the folder above.
    writeFileSync(join(hooks, 'post-checkout'), '#!/bin/sh\ntouch ../hooked\n', { mode: 0o755 });
    const home = ownFolder('errand-home-');
    writeFileSync(
      join(home, '.gitconfig'),
      `[core]\n\thooksPath = ${hooks}\n[init]\n\ttemplateDir = ${template}\n[submodule]\n\trecurse = true\n`,
    );
    vi.stubEnv('HOME', home);
    onTestFinished(() => void vi.unstubAllEnvs());
    const lines: Line[] = [];
    await build({ repository: repository.url, commit }, {}, lines);
    expect(written(lines)).toEqual(['0', '0', 'home', 'source', 'tmp']);
  });

  test('fetches the branch where a server gives only what a name points to', async () => {
    const home = ownFolder('errand-home-');
    writeFileSync(join(home, '.gitconfig'), '[protocol]\n\tversion = 0\n');
    vi.stubEnv('HOME', home);
    onTestFinished(() => void vi.unstubAllEnvs());
    const repository = makeRepository();
    const commit = repository.commit({ ...declared('cat file'), file: 'old' });
    repository.commit({ file: 'new' });
    const lines: Line[] = [];
    await build({ repository: repository.url, commit }, {}, lines);
    expect(written(lines)).toEqual(['old']);
    const gone = 'f'.repeat(40);
    for (const branch of ['main', 'no/such']) {
      const error = await failureOf(build({ repository: repository.url, commit: gone, branch }));
      expect(error).toMatchObject({ name: 'PermanentError', code: 'COMMIT_NOT_FOUND', metadata: { branch } });
    }
  });

  test('a commit that is on another branch alone is not built, an older one of its branch is', async () => {
    const repository = makeRepository();
    const older = repository.commit({ ...declared('cat file'), file: 'older' });
    repository.commit({ file: 'newer' });
    repository.git('checkout', '--quiet', '-b', 'theirs');
    const theirs = repository.commit({ file: 'theirs' });
    const error = await failureOf(build({ repository: repository.url, commit: theirs, branch: 'main' }));
    expect(error).toMatchObject({ name: 'PermanentError', code: 'COMMIT_NOT_FOUND' });
    const on: [string, string][] = [
      [older, 'main'],
      [older, 'theirs'],
      [theirs, 'theirs'],
    ];
    for (const [commit, branch] of on) {
      const lines: Line[] = [];
      await build({ repository: repository.url, commit, branch }, {}, lines);
      expect(written(lines)).toEqual([commit === older ? 'older' : 'theirs']);
    }
  });

  test('a commit that is not there fails for good, and so does what is no commit', async () => {
    const repository = makeRepository();
    repository.commit(declared('true'));
    for (const commit of ['0123456789'.repeat(4), repository.git('rev-parse', 'HEAD^{tree}')]) {
      const error = await failureOf(build({ repository: repository.url, commit }));
      expect(error).toMatchObject({ name: 'PermanentError', code: 'COMMIT_NOT_FOUND' });
    }
  });

  test('a repository that can not be reached is tried again', async () => {
    const commit = '0123456789'.repeat(4);
    for (const repository of ['file:///no/such/repository', 'http://127.0.0.1:1/a.git']) {
      const error = await failureOf(build({ repository, commit }));
      expect(error).toMatchObject({ name: 'GitError', code: 'GIT_FAILED' });
      expect(String(error)).toContain(`git ls-remote of ${repository} ended with 128: fatal: `);
    }
    expect(buildFolders()).toEqual([]);
  });

  test('follows no redirect: what is allowed does not say where else to go', async () => {
    const inside = await startTarget((_request, response) => void response.end());
    const allowed = await startTarget((request, response) => {
      response.writeHead(302, { location: `${inside.url}${request.url}` }).end();
    });
    const repository = `${allowed.url}/team/app.git`;
    const error = await failureOf(build({ repository, commit: 'a'.repeat(40) }));
    expect(error).toMatchObject({ name: 'GitError', code: 'GIT_FAILED' });
    expect([allowed.requests.length, inside.requests.length]).toEqual([1, 0]);
  });

  test('that is not installed is a failure that says so, and another runner may have it', async () => {
    vi.stubEnv('PATH', ownFolder('errand-empty-'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const error = await failureOf(build({ repository: 'file:///tmp/a', commit: 'a'.repeat(40) }));
    expect(error).toMatchObject({ name: 'GitError', code: 'GIT_NOT_RUN' });
    expect(String(error)).toMatch(/ci\.build needs git, but this runner cannot run it/);
  });

  test('gets what it is given after a --, and nothing of the runner but its way', async () => {
    vi.stubEnv('DATABASE_URL', 'postgres://secret');
    vi.stubEnv('PATH', fakeGit('echo "$@" >&2; env >&2; exit 3'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const error = await failureOf(build({ repository: 'file:///tmp/a', commit: 'a'.repeat(40) }));
    expect(String(error)).toMatch(/GIT_ALLOW_PROTOCOL=http:https:ssh:file/);
    expect(String(error)).not.toMatch(/DATABASE_URL/);
  });
});
