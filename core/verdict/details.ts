import { type Detail, MAX_DETAILS } from '../errors.ts';
import { detail, got, pointerPart, valueAt } from '../json.ts';
import { typeName } from './messages.ts';

/** As much of an issue of Zod 4 or `zod/v3` as is looked at. */
export type Issue = {
  code?: string | undefined;
  path: readonly PropertyKey[];
  message: string;
  keys?: readonly string[];
  /** The path leads to the one key itself: see `knowing`. */
  isAtKey?: boolean;
  /** Of a wrong key of a record: what is wrong with it. */
  issues?: readonly Issue[];
  /** Of a union: the issues of each branch. */
  errors?: readonly (readonly Issue[])[];
  unionErrors?: readonly { issues: readonly Issue[] }[];
  expected?: unknown;
  params?: unknown;
};

/** What issues say of a value, as details at JSON Pointers below `path`: MAX_DETAILS at most. */
export function detailsOf(issues: readonly Issue[], path: string, value: unknown): Detail[] {
  const details: Detail[] = [];
  addAll(issues, path, details);
  const told = details.map((one) =>
    one.message === UNKNOWN_PROPERTY
      ? { ...one, message: `${UNKNOWN_PROPERTY}${got(valueAt(value, one.path.slice(path.length)))}` }
      : one,
  );
  // Both sides of an intersection may say the same.
  return [...new Map(told.map((one) => [`${one.path} ${one.message}`, one])).values()];
}

const UNKNOWN_PROPERTY = 'is not a property that is known here';

function addAll(issues: readonly Issue[], path: string, details: Detail[]): void {
  for (const issue of issues) {
    if (details.length >= MAX_DETAILS) return;
    addDetails(issue, path, details);
  }
}

function addDetails(issue: Issue, path: string, details: Detail[]): void {
  const at = `${path}${issue.path.map((part) => `/${pointerPart(String(part))}`).join('')}`;
  const branches = branchesOf(issue);
  if (branches.length > 0) {
    // The issues of a branch have the path below their union in Zod 4, and the whole one in v3.
    const isBelow = issue.errors !== undefined;
    const meant = branchMeant(branches, isBelow ? 0 : issue.path.length);
    if (meant === null) details.push(detail(at, typesMessage(issue, branches)));
    else addAll(meant, isBelow ? at : path, details);
    return;
  }
  if (issue.code === 'unrecognized_keys' && issue.isAtKey === true) {
    details.push(detail(at, unknownMessage(issue)));
    return;
  }
  if (issue.code === 'unrecognized_keys') {
    for (const key of (issue.keys ?? []).slice(0, MAX_DETAILS - details.length))
      details.push(detail(`${at}/${pointerPart(key)}`, unknownMessage(issue)));
    return;
  }
  details.push(detail(at, messageOfKey(issue) ?? issue.message));
}

/** What is wrong with a key of a record, unless the definition has words of its own for it. */
function messageOfKey({ code, issues, message }: Issue): string | undefined {
  const [first] = code === 'invalid_key' && message.startsWith('Invalid key in ') ? (issues ?? []) : [];
  return first === undefined ? undefined : `is a key that does not fit: ${first.message}`;
}

/** The definition's own words about unknown properties, if it has any. */
function unknownMessage({ message }: Issue): string {
  return message.startsWith('Unrecognized key') ? UNKNOWN_PROPERTY : message;
}

type Branch = readonly Issue[];

function branchesOf({ errors, unionErrors = [] }: Issue): readonly Branch[] {
  return errors ?? unionErrors.map(({ issues }) => issues);
}

/**
 * The branch of a union that was meant (specification D4): one whose literals fit, since they are there to tell branches
 * apart; of those the one with the fewest problems. Null when none takes a value of this type at all.
 */
function branchMeant(branches: readonly Branch[], depth: number): Branch | null {
  const isOfOtherType = (branch: Branch): boolean =>
    branch.some((issue) => own(issue, depth).length === 0 && TYPE_CODES.has(String(issue.code)));
  const open = branches.filter((branch) => !isOfOtherType(branch));
  if (open.length === 0) return branches.length === 1 ? (branches[0] ?? null) : null;
  const cost = (branch: Branch): [number, number] => [
    branch.filter((issue) => own(issue, depth).length === 1 && LITERAL_CODES.has(String(issue.code))).length,
    branch.reduce((sum, issue) => sum + (issue.keys?.length ?? 1), 0),
  ];
  const [first] = open
    .map((branch) => ({ branch, cost: cost(branch) }))
    .sort((a, b) => a.cost[0] - b.cost[0] || a.cost[1] - b.cost[1]);
  return first?.branch ?? null;
}

/** The path of an issue below its union. */
function own({ path }: Issue, depth: number): readonly PropertyKey[] {
  return path.length >= depth ? path.slice(depth) : path;
}

const TYPE_CODES = new Set(['invalid_type', 'invalid_literal', 'invalid_value', 'invalid_enum_value']);
const LITERAL_CODES = new Set([
  'invalid_literal',
  'invalid_value',
  'invalid_enum_value',
  'invalid_union_discriminator',
]);

const ANY_UNION = 'Invalid input';

/** What a value may be instead, of one that fits no branch from the outset. The definition's own message goes before. */
function typesMessage({ message }: Issue, branches: readonly Branch[]): string {
  if (!message.startsWith(ANY_UNION)) return message;
  const expected = new Set(branches.map(([first]) => first?.expected));
  if (expected.has(undefined)) return message;
  return `must be ${[...expected].map(typeName).join(' or ')}${message.slice(ANY_UNION.length)}`;
}
