import { spawnSync } from 'node:child_process';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parsePayload } from '../../../core/payload.ts';
import { ciBuild } from '../../../tasks/ci.build.task.ts';
import { build, fakeGit } from './ci-harness.ts';
import { failureOf } from './http-harness.ts';

describe('a repository', () => {
  const commit = 'a'.repeat(40);
  const PREFIXES = ['https://git.example.com/team', 'ssh://git@git.example.com:22/', 'file:///srv/git/'];

  test.each([
    'https://git.example.com/teammate/app.git',
    'https://git.example.com/team/../other/app.git',
    'https://git.example.com.evil.example/team/app.git',
    'https://git.example.com:8443/team/app.git',
    'http://git.example.com/team/app.git',
    'https://git.example.com//team/app.git',
    'ssh://root@git.example.com:22/app.git',
    'ssh://git@git.example.com/app.git',
    'file:///srv/github',
    'file:///srv/git/../secret',
    'file://elsewhere/srv/git/app',
  ])('%s is not allowed, and nothing is fetched', async (repository) => {
    const error = await failureOf(build({ repository, commit }, { repositories: PREFIXES }));
    expect(error).toMatchObject({ name: 'PermanentError', code: 'REPOSITORY_NOT_ALLOWED' });
  });

  test.each([
    ['https://git.example.com/team/app.git', PREFIXES],
    ['https://git.example.com/team', PREFIXES],
    ['ssh://git@git.example.com:22/a/b.git', PREFIXES],
    ['ssh://ann@git.example.com/a', ['ssh://git.example.com']],
    ['file:///srv/git/../git/app', PREFIXES],
  ])('%s is', async (repository, repositories) => {
    vi.stubEnv('PATH', fakeGit('exit 3'));
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await failureOf(build({ repository, commit }, { repositories }))).toMatchObject({
      code: 'GIT_FAILED',
    });
  });

  test('without CI_REPOSITORIES none is, and the error says which variable', async () => {
    const error = await failureOf(build({ repository: 'file:///tmp/a', commit }, { repositories: [] }));
    expect(error).toMatchObject({ name: 'PermanentError', code: 'REPOSITORY_NOT_ALLOWED' });
    expect(String(error)).toContain('CI_REPOSITORIES is not set');
  });

  const HOSTILE: [string, Record<string, string>][] = [
    ['an option', { repository: '--upload-pack=touch /tmp/errand-hostile' }],
    ['a helper that runs what it is told', { repository: 'ext::sh -c touch% /tmp/errand-hostile' }],
    ['the same behind a scheme', { repository: 'https://git.example.com/team/ext::sh -c id' }],
    ['a host that is an option', { repository: 'ssh://-oProxyCommand/a' }],
    ['a user that is an option', { repository: 'ssh://-oProxyCommand@git.example.com/a' }],
    ['scp', { repository: 'git@git.example.com:team/app.git' }],
    ['a path', { repository: '/srv/git/app' }],
    ['an encoded slash', { repository: 'https://git.example.com/team%2f..%2fother' }],
    ['credentials', { repository: 'https://ann:secret@git.example.com/team/app' }],
    ['a token', { repository: 'https://token@git.example.com/team/app' }],
    ['a line feed', { repository: 'https://git.example.com/team\n/app' }],
    ['an option as branch', { branch: '--upload-pack=touch /tmp/errand-hostile' }],
    ['an option as branch without blanks', { branch: '--upload-pack=id' }],
    ['a refspec', { branch: 'main:refs/heads/other' }],
    ['a forced one', { branch: '+main:main' }],
    ['a way up', { branch: '../../config' }],
    ['a pattern', { branch: 'main*' }],
    ['a lock', { branch: 'main.lock' }],
    ['a reflog', { branch: 'main@{1}' }],
    ['a control character', { branch: 'ma\u007fin' }],
    ['an option as commit', { commit: '--upload-pack=id' }],
    ['a short commit', { commit: 'abcdef0' }],
    ['a name as commit', { commit: 'HEAD' }],
  ];

  test.each(HOSTILE)('a payload with %s is refused', async (_what, changed) => {
    const good = { repository: 'https://git.example.com/team/app.git', branch: 'main', commit };
    expect(await parsePayload(ciBuild, good, '')).toMatchObject({ ok: true });
    expect(await parsePayload(ciBuild, { ...good, ...changed }, '')).toMatchObject({ ok: false });
  });

  // What git itself says of each, so that nothing is a branch here and not there.
  test.each([
    ...[
      'main',
      'refs/x',
      'refs/heads/main',
      'a\u00a0b',
      '日本',
      '+main',
      '@x',
      'a@b',
      'a{b}',
      'HEAD',
      "a'b",
      'a.lock.b',
    ],
    ...[
      '',
      '@',
      '-a',
      '.a',
      'a.',
      'a/.b',
      'a//b',
      '/a',
      'a/',
      'a..b',
      'a@{b',
      'a.lock',
      'a.lock/b',
      'a b',
      'a~b',
      'a^b',
    ],
    ...['a:b', 'a?b', 'a*b', 'a[b', 'a\\b', 'a\u0001b', 'a\tb', 'a\u007fb'],
  ])('%j is a branch if git says so', async (branch) => {
    const says =
      spawnSync('git', ['check-ref-format', `refs/heads/${branch}`]).status === 0 && !branch.startsWith('-');
    const good = { repository: 'https://git.example.com/team/app.git', branch, commit };
    expect(await parsePayload(ciBuild, good, '')).toMatchObject({ ok: says });
  });

  test.each(['main', 'feature/a-b_c.1', 'grün', 'dependabot/npm_and_yarn/@types/node-24'])(
    '%s is a branch',
    async (branch) => {
      const good = { repository: 'https://git.example.com/team/app.git', branch, commit };
      expect(await parsePayload(ciBuild, good, '')).toMatchObject({ ok: true });
    },
  );
});
