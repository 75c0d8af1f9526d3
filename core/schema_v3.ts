import type * as z3 from 'zod/v3';
import { ignoreOverride, type Refs, type Seen, zodToJsonSchema } from 'zod-to-json-schema';

type Def = z3.ZodTypeDef & { typeName?: string; effect?: { type: string } };

/** What Zod 4 refuses too. Here they would become a schema that no payload fits, or that any does. */
const NOT_EXPRESSED = new Set([
  'ZodBigInt',
  'ZodDate',
  'ZodFunction',
  'ZodMap',
  'ZodNaN',
  'ZodPromise',
  'ZodSet',
  'ZodSymbol',
  'ZodUndefined',
  'ZodVoid',
]);

/**
 * The JSON Schema 2020-12 of a `zod/v3` schema: of what it takes, or of what it gives.
 * Throws when JSON Schema can't express it.
 */
export function schemaOfV3(schema: z3.ZodTypeAny, io: 'input' | 'output'): { [key: string]: unknown } {
  return zodToJsonSchema(schema, {
    $refStrategy: 'none',
    applyRegexFlags: true,
    pipeStrategy: io,
    target: 'jsonSchema2019-09',
    override: (def: Def, refs, seen) => {
      if (NOT_EXPRESSED.has(String(def.typeName))) throw new Error(`${def.typeName} has no JSON Schema`);
      if (isInside(refs, seen)) throw new Error('it refers to itself');
      if (io === 'output' && def.effect?.type === 'transform')
        throw new Error('what a transform gives is not known');
      return ignoreOverride;
    },
    postProcess: (json) => json && modern({ ...json }),
  });
}

function isInside(refs: Refs, seen: Seen | undefined): boolean {
  return (
    seen !== undefined &&
    seen.path.length < refs.currentPath.length &&
    seen.path.every((part, index) => refs.currentPath[index] === part)
  );
}

/** zod-to-json-schema writes bounds as draft 4 does, and tuples as 2019-09 does. */
function modern({ additionalItems, ...json }: { [key: string]: unknown }): { [key: string]: unknown } {
  if (json.exclusiveMinimum === true) {
    json.exclusiveMinimum = json.minimum;
    delete json.minimum;
  }
  if (json.exclusiveMaximum === true) {
    json.exclusiveMaximum = json.maximum;
    delete json.maximum;
  }
  if (Array.isArray(json.items)) {
    json.prefixItems = json.items;
    json.items = additionalItems ?? false;
  }
  return json;
}
