import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NATIVE_SINCE } from '../database/migration_files.ts';
import { areDefault, inSchemas, type Schemas } from '../database/schemas.ts';
import { type CatalogueObject, KINDS } from './catalogue.ts';

/** Written by `npm run schema` beside schema.sql, which is for readers. */
const FILE = join(import.meta.dirname, '..', '..', 'migrations', 'catalogue.json');

const object = z.object({
  kind: z.enum(KINDS),
  name: z.string(),
  text: z.string(),
});

const manifestSchema = z.object({
  /** The migration of graphile-worker whose schema it describes. */
  worker_revision: z.number().int(),
  objects: z.array(object),
  /** Those that are different on servers before Postgres 18. */
  before_18: z.array(object),
});

/** The objects of a migrated database in Errand's schemas, as store/doctor/catalogue.ts reads it. */
export type Manifest = z.output<typeof manifestSchema>;

/** Reads the manifest that comes with this version of Errand. Throws if the installation lacks it. */
export async function readManifest(): Promise<Manifest> {
  return manifestSchema.parse(JSON.parse(await readFile(FILE, 'utf8')));
}

/**
 * The objects that a database must have in these schemas on a server of this version
 * (`server_version_num`). Postgres 14 to 18 describe all of them with the same words (a test holds it).
 */
export function expectedObjects(
  { objects, before_18 }: Manifest,
  schemas: Schemas,
  serverVersion: number,
): CatalogueObject[] {
  const older = new Map(before_18.map((one) => [one.name, one]));
  return objects.map((one) => {
    const { text, ...rest } = (serverVersion < NATIVE_SINCE ? older.get(one.name) : undefined) ?? one;
    // graphile-worker quotes the name of its schema where it needs no quotes.
    const plain = text.replaceAll('"errand_worker"', 'errand_worker');
    return { ...rest, text: comparable(areDefault(schemas) ? plain : inSchemas(plain, schemas), schemas) };
  });
}

/**
 * A text of the catalogue without what may differ between equal objects: the quotes around the
 * names of the schemas, and the schema of pg_trgm.
 */
export function comparable(text: string, { errand, worker }: Schemas): string {
  return text
    .replaceAll(`"${worker}"`, worker)
    .replaceAll(`"${errand}"`, errand)
    .replaceAll(/(?:\w+|"[^"]+")\.gin_trgm_ops/g, 'gin_trgm_ops');
}
