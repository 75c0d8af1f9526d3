import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { build, buildFolders, declared, type Line, makeRepository, written } from './ci-harness.ts';
import { failureOf } from './http-harness.ts';

test('a build runs the script that the commit declares, in a checkout of exactly that commit', async () => {
  const repository = makeRepository();
  const commit = repository.commit({
    ...declared('cat file; git rev-parse HEAD; git log --oneline | wc -l'),
    file: 'old\n',
  });
  repository.commit({ file: 'new\n' });
  const lines: Line[] = [];
  const result = await build({ repository: repository.url, commit }, {}, lines);
  expect(result).toEqual({
    exit_code: 0,
    duration_ms: expect.any(Number),
    lines: 3,
    truncated: false,
    commit,
  });
  expect(written(lines)).toEqual(['old', commit, '1']);
  expect(buildFolders()).toEqual([]);
});

test('lines come as they were written: apart for stderr, whole, and in valid text', async () => {
  const repository = makeRepository();
  const script = [
    `printf 'a\\r\\n\\nb %%s %%d 100%%\\n'`,
    `printf 'wrong\\n' >&2`,
    `printf '\\303\\050 \\377\\n'`,
    `printf '\\303'; sleep 0.1; printf '\\266\\n'`,
    `head -c 5000 /dev/zero | tr '\\0' x; echo`,
    `printf 'last'`,
  ].join('\n');
  const lines: Line[] = [];
  const commit = repository.commit(declared(script));
  const result = await build({ repository: repository.url, commit }, {}, lines);
  expect(written(lines)).toEqual([
    'a',
    '',
    'b %s %d 100%',
    '\ufffd( \ufffd',
    'ö',
    `${'x'.repeat(2_000)}…`,
    'last',
  ]);
  expect(written(lines, 'stderr')).toEqual(['wrong']);
  expect(result).toMatchObject({ lines: 8, truncated: false });
});

test('a script that fails fails the build for good, with its exit code and its last lines', async () => {
  const repository = makeRepository();
  const commit = repository.commit(declared('seq 100; echo no >&2; sleep 0.1\nfalse\necho never'));
  const lines: Line[] = [];
  const error = await failureOf(build({ repository: repository.url, commit }, {}, lines));
  expect(error).toMatchObject({
    name: 'PermanentError',
    code: 'BUILD_FAILED',
    message: 'The script ended with 1',
    metadata: {
      exit_code: 1,
      lines: 101,
      truncated: false,
      last_lines: expect.arrayContaining(['100', 'no']),
    },
  });
  expect((error as { metadata: { last_lines: string[] } }).metadata.last_lines).toHaveLength(30);
  expect(written(lines)).not.toContain('never');
  expect(buildFolders()).toEqual([]);
});

test.each([
  ['exit 7', 7],
  ['kill -KILL $$', 137],
  ['no_such_program', 127],
])('%s gives the exit code %i', async (run, exitCode) => {
  const repository = makeRepository();
  const commit = repository.commit(declared(run));
  const error = await failureOf(build({ repository: repository.url, commit }));
  expect(error).toMatchObject({ code: 'BUILD_FAILED', metadata: { exit_code: exitCode } });
});

describe('the environment of a script', () => {
  test('is clean: what the runner knows is not in it', async () => {
    const repository = makeRepository();
    const commit = repository.commit(declared('env | sort', { env: { COLOUR: 'red green' } }));
    vi.stubEnv('DATABASE_URL', 'postgres://errand:secret@localhost/errand');
    vi.stubEnv('API_KEYS', '[]');
    vi.stubEnv('GITEA_WEBHOOK_SECRET', 'sixteen-characters');
    vi.stubEnv('GIT_DIR', '/nowhere');
    onTestFinished(() => void vi.unstubAllEnvs());
    const lines: Line[] = [];
    const facts = { branch: 'main', author: 'Ann', message: 'A commit', repository_name: 'team/app' };
    await build({ repository: repository.url, commit, ...facts }, {}, lines);
    const found = Object.fromEntries(
      written(lines).map((line) => line.split(/=(.*)/s, 2) as [string, string]),
    );
    const folder = found.ERRAND_BUILD_FOLDER;
    expect(folder).toMatch(/\/errand-build-[\w.]+-\d+-\w{6}$/);
    expect(found).toEqual({
      CI: 'true',
      COLOUR: 'red green',
      ERRAND_ATTEMPT: '3',
      ERRAND_AUTHOR: 'Ann',
      ERRAND_BRANCH: 'main',
      ERRAND_BUILD_FOLDER: folder,
      ERRAND_COMMIT: commit,
      ERRAND_MESSAGE: 'A commit',
      ERRAND_REPOSITORY: repository.url,
      ERRAND_REPOSITORY_NAME: 'team/app',
      ERRAND_TASK_ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      HOME: `${folder}/home`,
      LANG: 'C.UTF-8',
      PATH: process.env.PATH,
      PWD: `${folder}/source`,
      TMPDIR: `${folder}/tmp`,
      // Of the shell itself.
      ...('_' in found ? { _: found._ } : {}),
      ...('SHLVL' in found ? { SHLVL: found.SHLVL } : {}),
      ...('OLDPWD' in found ? { OLDPWD: found.OLDPWD } : {}),
    });
  });

  test('has nothing to read from', async () => {
    const repository = makeRepository();
    const commit = repository.commit(declared('cat; echo done'));
    const lines: Line[] = [];
    await build({ repository: repository.url, commit }, {}, lines);
    expect(written(lines)).toEqual(['done']);
  });
});

describe('a declaration', () => {
  test.each([
    ['', /it: /],
    ['run: [', /it is not YAML/],
    ['run: ""', /run: is empty/],
    ['run: 1', /run: must be text/],
    ['run: "a\\0b"', /run: contains a NUL character/],
    ['run: a\ntimeout_secs: 0', /timeout_secs: /],
    ['run: a\ntimeout_secs: 21601', /timeout_secs: /],
    ['run: a\nenv: {A: 1}', /env\.A: must be text: write it in quotes/],
    ['run: a\nenv: {ERRAND_TASK_ID: b}', /env\.ERRAND_TASK_ID: is not a variable name/],
    ['run: a\nenv: {"A=B": b}', /env\.A=B: is not a variable name/],
    ['run: a\nsteps: []', /steps/],
    [`a: &a [x]\n${'b: &b [*a, *a]\n'.repeat(1)}run: *a`, /run/],
  ])('%j is refused, with what is wrong', async (yaml, message) => {
    const repository = makeRepository();
    const commit = repository.commit({ '.errand/ci.yaml': yaml });
    const error = await failureOf(build({ repository: repository.url, commit }));
    expect(error).toMatchObject({ name: 'PermanentError', code: 'INVALID_CI_SCRIPT' });
    expect(String(error)).toMatch(message);
  });

  test.each([
    ['no such file', {}],
    ['a folder in its place', { '.errand/ci.yaml/a': '' }],
  ])('that is missing (%s) fails the build for good', async (_what, files) => {
    const repository = makeRepository();
    const commit = repository.commit({ other: '', ...(files as Record<string, string>) });
    const error = await failureOf(build({ repository: repository.url, commit }));
    expect(error).toMatchObject({ name: 'PermanentError', code: 'NO_CI_SCRIPT' });
    expect(buildFolders()).toEqual([]);
  });
});
