// What Gitea 1.22 and GitHub send for a push, shortened where it repeats itself.

export const COMMIT = 'bffeb74224043ba2feb48d137756c8a9331c449a';
const BEFORE = '28e1879d029cb852e4844d9c718537df08844e03';
export const NO_COMMIT = '0'.repeat(40);

const giteaUser = {
  id: 1,
  login: 'ann',
  login_name: '',
  full_name: 'Ann Example',
  email: 'ann@example.com',
  avatar_url: 'http://git.example.com/avatars/8bb7',
  language: 'en-US',
  is_admin: false,
  created: '2026-01-02T03:04:05Z',
  username: 'ann',
};

/** The body of a push to Gitea. */
export const giteaPush = {
  ref: 'refs/heads/develop',
  before: BEFORE,
  after: COMMIT,
  compare_url: `http://git.example.com/team/app/compare/${BEFORE}...${COMMIT}`,
  commits: [
    {
      id: COMMIT,
      message: 'Count words once\n\nThey were counted twice.\n',
      url: `http://git.example.com/team/app/commit/${COMMIT}`,
      author: { name: 'Ann Example', email: 'ann@example.com', username: 'ann' },
      committer: { name: 'Ann Example', email: 'ann@example.com', username: 'ann' },
      verification: null,
      timestamp: '2026-11-20T12:34:56+01:00',
      added: [],
      removed: [],
      modified: ['src/words.ts'],
    },
  ],
  total_commits: 1,
  head_commit: { id: COMMIT, message: 'Count words once\n', author: { name: 'Ann Example' } },
  repository: {
    id: 140,
    owner: giteaUser,
    name: 'app',
    full_name: 'team/app',
    description: '',
    empty: false,
    private: true,
    fork: false,
    html_url: 'http://git.example.com/team/app',
    ssh_url: 'git@git.example.com:team/app.git',
    clone_url: 'http://git.example.com/team/app.git',
    default_branch: 'develop',
  },
  pusher: giteaUser,
  sender: giteaUser,
};

/** The body of a push to GitHub. */
export const githubPush = {
  ref: 'refs/heads/feature/words',
  before: NO_COMMIT,
  after: COMMIT,
  repository: {
    id: 186853002,
    node_id: 'MDEwOlJlcG9zaXRvcnkxODY4NTMwMDI=',
    name: 'Hello-World',
    full_name: 'Codertocat/Hello-World',
    private: false,
    owner: { name: 'Codertocat', login: 'Codertocat', id: 21031067, type: 'User' },
    html_url: 'https://github.com/Codertocat/Hello-World',
    git_url: 'git://github.com/Codertocat/Hello-World.git',
    ssh_url: 'git@github.com:Codertocat/Hello-World.git',
    clone_url: 'https://github.com/Codertocat/Hello-World.git',
    default_branch: 'master',
  },
  pusher: { name: 'Codertocat', email: '21031067+Codertocat@users.noreply.github.com' },
  sender: { login: 'Codertocat', id: 21031067, type: 'User' },
  created: true,
  deleted: false,
  forced: false,
  base_ref: null,
  compare: `https://github.com/Codertocat/Hello-World/compare/${COMMIT}`,
  commits: [],
  head_commit: {
    id: COMMIT,
    tree_id: 'f9d2a07e9488b91af2641b26b9407fe22a451433',
    distinct: true,
    message: 'Add words',
    timestamp: '2026-11-20T12:34:56Z',
    author: { name: 'Mona', email: 'mona@example.com', username: 'octocat' },
    committer: { name: 'GitHub', email: 'noreply@github.com', username: 'web-flow' },
    added: ['words'],
    removed: [],
    modified: [],
  },
};
