/** What a definition may have as its version. */
export const VERSION_PATTERN = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$/;

/**
 * A text whose order by bytes is the order of versions: that of Semantic Versioning 2.0.0 where it has one, and defined for
 * every version that a definition may have:
 * - a `v` before a digit, and all from the first `+` on, count for nothing;
 * - up to the first `-` the parts between dots are compared one by one: numbers by value, other texts by bytes and after
 *   all numbers; a missing part is 0, so `1`, `1.0` and `1.0.0` are the same version;
 * - what follows that `-` comes before the same version without it, and is compared part by part, too; there a missing
 *   part comes before any other.
 *
 * The semver package knows no order for `2`, `1.0` or `2026-11-29`, and the database needs the same one: it has this function as
 * errand.version_key. Tests hold both against each other, and against the package.
 */
export function versionKey(version: string): string {
  const [counted = ''] = version.replace(/^v(?=\d)/, '').split('+', 1);
  const dash = counted.indexOf('-');
  const core = dash === -1 ? counted : counted.slice(0, dash);
  const before = dash === -1 ? '!1' : `!0${keyOfParts(counted.slice(dash + 1))}`;
  return `${keyOfParts(core.replace(/(\.0+)+$/, ''))}${before}`;
}

/** `!` ends them and `#` is between them: both come before all that a part may hold. */
function keyOfParts(parts: string): string {
  return parts.split('.').map(keyOfPart).join('#');
}

/** A longer number is a larger one once it begins with no 0. */
function keyOfPart(part: string): string {
  if (!/^\d+$/.test(part)) return `2${part}`;
  const digits = part.replace(/^0+/, '');
  return `1${String(digits.length).padStart(2, '0')}${digits}`;
}

/** Whether the version `one` is newer than `other`. */
export function isNewer(one: string, other: string): boolean {
  // Nearly always they are the same.
  return one !== other && versionKey(one) > versionKey(other);
}
