import { Client, type ClientConfig } from 'pg';
import { areDefault, inSchemas, type Schemas, schemasOf } from './schemas.ts';

/** Statements that were sent under a name, as they are in other schemas: constants of the code, so they are few. */
const renamed = new Map<string, string>();

/**
 * A client whose statements go to the schemas of its options. Only for other schemas than the default ones: otherwise nothing is to
 * be changed, and a plain client does.
 */
class SchemaClient extends Client {
  constructor(config: ClientConfig) {
    super(config);
    const schemas = schemasOf(config);
    const query = super.query.bind(this) as (...all: unknown[]) => unknown;
    // An own property: callers that wrap a client (Object.create) reach it, too.
    this.query = ((statement: unknown, ...rest: unknown[]) =>
      query(toSchemas(statement, schemas), ...rest)) as Client['query'];
  }
}

/** The class of the clients for these schemas. */
export function clientClass(schemas: Schemas): typeof Client {
  return areDefault(schemas) ? Client : SchemaClient;
}

function toSchemas(statement: unknown, schemas: Schemas): unknown {
  if (typeof statement === 'string') return inSchemas(statement, schemas);
  if (typeof statement !== 'object' || statement === null || 'submit' in statement) return statement;
  if (!('text' in statement) || typeof statement.text !== 'string') return statement;
  const { text } = statement;
  if (!('name' in statement) || statement.name === undefined)
    return { ...statement, text: inSchemas(text, schemas) };
  const key = `${schemas.errand} ${schemas.worker} ${text}`;
  const known = renamed.get(key) ?? inSchemas(text, schemas);
  renamed.set(key, known);
  return { ...statement, text: known };
}
