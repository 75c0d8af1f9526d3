import { expect, test } from 'vitest';
import { renderFindings } from '../../../cli/output/findings.ts';
import { error, ok, warning } from '../../../doctor/finding.ts';

const FINDINGS = [
  ok('server_version', 'Postgres 18'),
  warning('trigrams', { message: 'It is slow', remedy: `Run: ${'create '.repeat(20)}index` }),
  error('pooler', { message: 'It is between', remedy: 'Go around it' }),
  ok('queue', 'Nothing is overdue'),
];

test('errors come first, each with what to do, and what is in order is only counted', () => {
  const text = renderFindings(FINDINGS, { all: false, colours: false, width: 60 });
  expect(text).toBe(`server
ERROR    It is between. (pooler)
         -> Go around it
warning  It is slow. (trigrams)
         -> Run: create create create create create create
            create create create create create create create
            create create create create create create create
            index

1 error, 1 warning, 2 ok
`);
});

test('all findings and colours, if they are wanted', () => {
  const text = renderFindings(FINDINGS, { all: true, colours: true, width: undefined });
  expect(text).toContain('Postgres 18. (server_version)');
  expect(text).toContain('\u001b[31mERROR');
  expect(text).toContain('\u001b[1mqueue');
});

test('what others have written cannot speak to the terminal', () => {
  const finding = warning('paused', { message: 'a\u001b]0;x\u0007b was paused', remedy: 'resume\u202eit' });
  const text = renderFindings([finding], { all: false, colours: false, width: 80 });
  expect(text).toContain('a?]0;x?b was paused');
  expect(text).toContain('resume?it');
});
