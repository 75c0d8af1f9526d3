/** The form of a definition's version. */
export const VERSION_PATTERN = /^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}$/;

/**
 * A text whose byte order is the order of versions. It follows Semantic Versioning 2.0.0 where that defines
 * an order, and is defined for every version that a definition may have:
 * - A `v` before a digit, and everything from the first `+` on, is ignored.
 * - Up to the first `-`, the parts between dots are compared one by one: numbers by value, other texts by
 *   bytes and after all numbers. A missing part is 0, so `1`, `1.0` and `1.0.0` are the same version.
 * - A version with a `-` comes before the same version without it. The parts after the `-` are compared one
 *   by one too. There, a missing part comes before any other.
 *
 * The semver package has no order for `2`, `1.0` or `2026-11-29`. The database needs the same order:
 * errand.version_key is the same function. Tests compare the two with each other and with the package.
 */
export function versionKey(version: string): string {
  const [counted = ''] = version.replace(/^v(?=\d)/, '').split('+', 1);
  const dash = counted.indexOf('-');
  const core = dash === -1 ? counted : counted.slice(0, dash);
  const before = dash === -1 ? '!1' : `!0${keyOfParts(counted.slice(dash + 1))}`;
  return `${keyOfParts(core.replace(/(\.0+)+$/, ''))}${before}`;
}

/** `!` ends the parts and `#` separates them. Both sort before every character that a part may contain. */
function keyOfParts(parts: string): string {
  return parts.split('.').map(keyOfPart).join('#');
}

/** Without leading zeros, a longer number is a larger one. */
function keyOfPart(part: string): string {
  if (!/^\d+$/.test(part)) return `2${part}`;
  const digits = part.replace(/^0+/, '');
  return `1${String(digits.length).padStart(2, '0')}${digits}`;
}

/** Whether the version `one` is newer than `other`. */
export function isNewer(one: string, other: string): boolean {
  // Usually they are equal, so this is checked first.
  return one !== other && versionKey(one) > versionKey(other);
}
