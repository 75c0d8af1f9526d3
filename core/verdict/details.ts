import { type Detail, MAX_DETAILS } from '../errors.ts';
import { detail, got, pointerPart, valueAt } from '../json/json.ts';
import { typeName } from './messages.ts';

/** The fields of an issue of Zod 4 or `zod/v3` that are used here. */
export type Issue = {
  code?: string | undefined;
  path: readonly PropertyKey[];
  message: string;
  keys?: readonly string[];
  /** The path includes the single key: see `knowing`. */
  isAtKey?: boolean;
  /** For an invalid key of a record: its problems. */
  issues?: readonly Issue[];
  /** For a union: the issues of each branch. */
  errors?: readonly (readonly Issue[])[];
  unionErrors?: readonly { issues: readonly Issue[] }[];
  expected?: unknown;
  params?: unknown;
};

/** Converts issues about a value to details at JSON Pointers below `path`, at most `most`. */
export function detailsOf(
  issues: readonly Issue[],
  path: string,
  value: unknown,
  most = MAX_DETAILS,
): Detail[] {
  const details: Detail[] = [];
  addAll(issues, path, details, most);
  const complete = details.map((one) =>
    one.message === UNKNOWN_PROPERTY
      ? { ...one, message: `${UNKNOWN_PROPERTY}${got(valueAt(value, one.path.slice(path.length)))}` }
      : one,
  );
  // Both sides of an intersection may report the same problem.
  return [...new Map(complete.map((one) => [`${one.path} ${one.message}`, one])).values()];
}

const UNKNOWN_PROPERTY = 'is not a known property';

function addAll(issues: readonly Issue[], path: string, details: Detail[], most: number): void {
  for (const issue of issues) {
    if (details.length >= most) return;
    addDetails(issue, path, details, most);
  }
}

function addDetails(issue: Issue, path: string, details: Detail[], most: number): void {
  const at = `${path}${issue.path.map((part) => `/${pointerPart(String(part))}`).join('')}`;
  const branches = branchesOf(issue);
  if (branches.length > 0) {
    // The paths of a branch's issues start below the union in Zod 4, and at the root in v3.
    const isBelow = issue.errors !== undefined;
    const meant = branchMeant(branches, isBelow ? 0 : issue.path.length);
    if (meant === null) details.push(detail(at, typesMessage(issue, branches)));
    else addAll(meant, isBelow ? at : path, details, most);
    return;
  }
  if (issue.code === 'unrecognized_keys' && issue.isAtKey === true) {
    details.push(detail(at, unknownMessage(issue)));
    return;
  }
  if (issue.code === 'unrecognized_keys') {
    for (const key of (issue.keys ?? []).slice(0, most - details.length))
      details.push(detail(`${at}/${pointerPart(key)}`, unknownMessage(issue)));
    return;
  }
  details.push(detail(at, messageOfKey(issue) ?? issue.message));
}

/** The problem of a key of a record, unless the definition has its own message. */
function messageOfKey({ code, issues, message }: Issue): string | undefined {
  const [first] = code === 'invalid_key' && message.startsWith('Invalid key in ') ? (issues ?? []) : [];
  return first === undefined ? undefined : `is not a valid key: ${first.message}`;
}

/** The definition's own message about unknown properties, if it has one. */
function unknownMessage({ message }: Issue): string {
  return message.startsWith('Unrecognized key') ? UNKNOWN_PROPERTY : message;
}

type Branch = readonly Issue[];

function branchesOf({ errors, unionErrors = [] }: Issue): readonly Branch[] {
  return errors ?? unionErrors.map(({ issues }) => issues);
}

/**
 * The branch of a union that the caller meant (specification D4). Literals distinguish branches, so a branch
 * whose literals fit comes first, then the one with the fewest problems. Null if no branch accepts a value of
 * this type.
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

/** The allowed types of a value that fits no branch. The definition's own message takes precedence. */
function typesMessage({ message }: Issue, branches: readonly Branch[]): string {
  if (!message.startsWith(ANY_UNION)) return message;
  const expected = new Set(branches.map(([first]) => first?.expected));
  if (expected.has(undefined)) return message;
  return `must be ${[...expected].map(typeName).join(' or ')}${message.slice(ANY_UNION.length)}`;
}
