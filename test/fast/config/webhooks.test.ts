import { expect, test } from 'vitest';
import { parseConfig } from '../../../config/load.ts';

test.each(['GITEA_WEBHOOK_SECRET', 'GITHUB_WEBHOOK_SECRET'] as const)(
  '%s is one secret or several, each of 16 characters or more, and never shown',
  (name) => {
    const [first, second] = ['sixteen-or-more-a', 'sixteen-or-more-b'];
    expect(parseConfig({ [name]: first })[name]).toEqual([first]);
    expect(parseConfig({ [name]: ` ${first} ,${second}` })[name]).toEqual([first, second]);
    expect(parseConfig({ [name]: '' })[name]).toBeUndefined();
    for (const value of ['open-sesame', `${first},open-sesame`, `${first},`, `${first} open-sesame`]) {
      expect(() => parseConfig({ [name]: value })).toThrow(`${name}=*** is not accepted`);
      expect(() => parseConfig({ [name]: value })).not.toThrow(/sesame|sixteen-or/);
    }
  },
);

test('CI_REPOSITORIES are beginnings of URLs that git can fetch from', () => {
  const good = [
    'https://git.example.com',
    'ssh://git@git.example.com:22/team/',
    'file:///srv/git',
    'http://a/b.git',
  ];
  expect(parseConfig({ CI_REPOSITORIES: good.join(' , ') }).CI_REPOSITORIES).toEqual(good);
  for (const value of [
    '*',
    'git.example.com',
    'git@git.example.com:team',
    'ext::sh',
    'https://',
    'ftp://a/b',
    'https://a?b',
  ]) {
    expect(() => parseConfig({ CI_REPOSITORIES: `${good[0]},${value}` })).toThrow(
      /CI_REPOSITORIES=.* is not accepted/,
    );
  }
});
