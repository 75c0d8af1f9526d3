import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** The version of the package that this file belongs to, as source or built. */
export function ownVersion(): string {
  const file = findPackageJSON(import.meta.url);
  const manifest: unknown = file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8'));
  const isRead = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isRead ? String(manifest.version) : 'unknown';
}
