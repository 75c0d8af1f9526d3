import { runInNewContext } from 'node:vm';
import { PermanentError } from '../../../../core/errors.ts';

/** Throws itself, as what a trap throws may be as odd as what it is a trap of. */
function fail(): never {
  throw hostileProxy();
}

const TRAPS = ['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf'] as const;

/** A proxy of which nothing can be read: not even its class. */
function hostileProxy(target: object = new Error('inside')): object {
  return new Proxy(target, Object.fromEntries(TRAPS.map((trap) => [trap, fail])));
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function withMembers(members: object): Error {
  return Object.defineProperties(
    new Error('odd'),
    Object.fromEntries(Object.entries(members).map(([name, value]) => [name, { value }])),
  );
}

function withGetters(...names: string[]): Error {
  return Object.defineProperties(
    new Error('odd'),
    Object.fromEntries(names.map((name) => [name, { get: fail, enumerable: true }])),
  );
}

/** A circle of causes that are all AggregateErrors of themselves. */
function circle(): Error {
  const one = new AggregateError([], 'one');
  const other = new AggregateError([one, one], 'other', { cause: one });
  one.errors.push(other, one);
  one.cause = other;
  return one;
}

const noText = { toString: fail, toJSON: fail, valueOf: fail };

/** Whatever a handler may throw, give, log or tell, and what a record shows of it at least, if that is its text. */
export const ODD_VALUES: [what: string, value: unknown, message?: string][] = [
  ['a list as stack', withMembers({ stack: ['a', 'b'] }), 'odd'],
  ['no message', withMembers({ message: undefined }), ''],
  ['an object as message', withMembers({ message: { why: 'so' } }), '{"why":"so"}'],
  ['a message without a text', withMembers({ message: noText, name: noText, stack: noText, code: noText })],
  ['a number as name', withMembers({ name: 7 }), 'odd'],
  [
    'symbols everywhere',
    withMembers({ name: Symbol('n'), message: Symbol('m'), code: Symbol('c') }),
    'Symbol(m)',
  ],
  ['a retryAfterMs that throws', withGetters('retryAfterMs'), 'odd'],
  ['members that throw', withGetters('name', 'message', 'stack', 'code', 'metadata', 'cause', 'errors')],
  ['a proxy of an error', new Proxy(new Error('behind'), {}), 'behind'],
  ['a proxy that has everything', new Proxy({}, { has: () => true, get: () => 'x' })],
  ['a hostile proxy', hostileProxy()],
  ['a hostile proxy of a PermanentError', hostileProxy(new PermanentError('inside'))],
  ['a hostile proxy of a function', hostileProxy(() => {})],
  ['a revoked proxy', revoked(new Error('gone'))],
  ['a revoked proxy of a list', revoked([])],
  [
    'hostile parts',
    withMembers({ metadata: hostileProxy(), cause: hostileProxy(), errors: revoked([]) }),
    'odd',
  ],
  ['a null prototype', Object.create(null), '{}'],
  ['an error without its prototype', Object.setPrototypeOf(new Error('bare'), null), 'bare'],
  ['an error of another realm', runInNewContext('new RangeError("from afar")'), 'from afar'],
  ['a frozen error', Object.freeze(new Error('frozen')), 'frozen'],
  ['a symbol', Symbol('a symbol'), 'Symbol(a symbol)'],
  ['a bigint', 10n ** 400n],
  ['a function', function odd() {}, 'function odd() {}'],
  ['a class whose text throws', Object.assign(class {}, { toString: fail })],
  ['undefined', undefined, 'undefined'],
  ['a circle of causes', circle(), 'one'],
  ['a huge text', 'x'.repeat(200_000)],
  [
    'huge texts',
    withMembers({ message: '\ud800\u0000'.repeat(1e5), stack: 's'.repeat(1e5), code: 'c'.repeat(1e5) }),
  ],
  ['a long list of holes', Array(10_000)],
];
