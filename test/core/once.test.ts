import { expect, test } from 'vitest';
import { once } from '../../core/once.ts';

test.each([['a value'], [undefined], [null], [0]])(
  '%s is made when it is first asked for, and once',
  (value) => {
    let made = 0;
    const give = once(() => {
      made++;
      return value;
    });
    expect(made).toBe(0);
    expect([give(), give(), give()]).toEqual([value, value, value]);
    expect(made).toBe(1);
  },
);

test('what could not be made is tried again', () => {
  let tries = 0;
  const give = once(() => {
    if (++tries === 1) throw new Error('not yet');
    return tries;
  });
  expect(give).toThrow('not yet');
  expect([give(), give()]).toEqual([2, 2]);
});
