import { judgeDrift } from '../../../../doctor/drift.ts';
import type { Finding } from '../../../../doctor/finding.ts';
import type { Database } from '../../../../store/database/pool.ts';
import { DEFAULT_SCHEMAS } from '../../../../store/database/schemas.ts';
import { readServer } from '../../../../store/database/server.ts';
import { readCatalogue, readInvalidIndexes } from '../../../../store/doctor/catalogue.ts';
import { comparable, expectedObjects, readManifest } from '../../../../store/doctor/manifest.ts';

/** The errors and warnings about the objects of a real database. */
export async function driftOf(database: Database, schemas = DEFAULT_SCHEMAS): Promise<Finding[]> {
  const { versionNumber } = await readServer(database);
  const found = await readCatalogue(database);
  const findings = judgeDrift({
    expected: expectedObjects(await readManifest(), schemas, versionNumber),
    found: found.map((one) => ({ ...one, text: comparable(one.text, schemas) })),
    invalid: await readInvalidIndexes(database),
    schemas,
    isUntested: false,
  });
  return findings.filter(({ severity }) => severity !== 'ok');
}
