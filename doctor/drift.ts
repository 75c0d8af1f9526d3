import type { Schemas } from '../store/database/schemas.ts';
import type { CatalogueObject, InvalidIndex } from '../store/doctor/catalogue.ts';
import { error, type Finding, ok, warning } from './finding.ts';
import { realName } from './names.ts';

/** The objects that a database has, and those that it must have. The texts of both are comparable. */
export type Compared = {
  expected: readonly CatalogueObject[];
  found: readonly CatalogueObject[];
  invalid: readonly InvalidIndex[];
  schemas: Schemas;
  /** Whether this server is newer than the tested ones, and may describe the same object differently. */
  isUntested: boolean;
};

/** Judged by itself: the extension that it needs may not be there. */
const OPTIONAL = 'errand.tasks_error_message_idx';
/** In the text of a table. */
const HIDING = 'row level security';
/** Longer definitions are cut. */
const SHORT = 300;

/**
 * Judges what is missing, changed and extra in Errand's schemas. Parts of a table that is missing or
 * extra are not listed.
 */
export function judgeDrift(compared: Compared): Finding[] {
  const { expected, found, invalid, schemas, isUntested } = compared;
  const wanted = byKey(expected);
  const there = byKey(found);
  const absent = new Set(tablesOf(expected).filter((name) => !there.has(`table ${name}`)));
  const foreign = new Set(tablesOf(found).filter((name) => !wanted.has(`table ${name}`)));
  const missing = expected.filter(
    (object) => !there.has(keyOf(object)) && object.name !== OPTIONAL && !absent.has(ownerOf(object)),
  );
  const extra = found.filter((object) => !wanted.has(keyOf(object)) && !foreign.has(ownerOf(object)));
  const changed = isUntested
    ? []
    : expected.flatMap((object) => {
        const actual = there.get(keyOf(object));
        return actual === undefined || actual.text === object.text ? [] : [{ object, actual }];
      });
  const findings = [
    ...missing.map((object) => judgeMissing(object, schemas)),
    ...changed.map(({ object, actual }) => judgeChanged(object, actual, schemas)),
    ...extra.map((object) => judgeExtra(object, schemas)),
    ...invalid.map((index) => judgeInvalid(index, schemas)),
  ];
  const names = `${schemas.errand} and ${schemas.worker}`;
  return findings.length > 0
    ? findings
    : [ok('drift', `${expected.length} objects of the schemas ${names} are as migrations/ makes them`)];
}

function byKey(objects: readonly CatalogueObject[]): Map<string, CatalogueObject> {
  return new Map(objects.map((object) => [keyOf(object), object]));
}

function keyOf({ kind, name }: CatalogueObject): string {
  return `${kind} ${name}`;
}

function tablesOf(objects: readonly CatalogueObject[]): string[] {
  return objects.filter(({ kind }) => kind === 'table').map(({ name }) => name);
}

/** The table of a part, as `schema.table`; empty for other objects. */
function ownerOf({ kind, name, text }: CatalogueObject): string {
  if (kind === 'column' || kind === 'constraint' || kind === 'trigger' || kind === 'rule')
    return name.split('.').slice(0, 2).join('.');
  if (kind !== 'index') return '';
  const [schema = ''] = name.split('.');
  return `${schema}.${/ ON (?:ONLY )?(?:\S+\.)?"?([^\s".]+)"? USING /.exec(text)?.[1] ?? ''}`;
}

function judgeMissing(object: CatalogueObject, schemas: Schemas): Finding {
  const name = realName(object.name, schemas);
  const isSlow = object.kind === 'index' && !isUniqueIndex(object.text);
  return (isSlow ? warning : error)('object_missing', {
    subject: name,
    message: `The ${object.kind} ${name} is missing${isSlow ? ': the statements that rely on it read complete tables' : ''}`,
    remedy: remake(object, schemas),
  });
}

function isUniqueIndex(text: string): boolean {
  return text.startsWith('CREATE UNIQUE');
}

/** How to make an object as it must be. */
function remake(object: CatalogueObject, schemas: Schemas): string {
  const { kind, name, text } = object;
  const [schema = '', table = '', ...part] = name.split('.');
  const of = realName(`${schema}.${table}`, schemas);
  if (kind === 'function') return reapply(name, schemas);
  if (kind === 'index') return `Run: ${text.replace(/^(CREATE (?:UNIQUE )?INDEX)/, '$1 CONCURRENTLY')}`;
  if (kind === 'constraint')
    return `Run: alter table ${of} add constraint ${part.join('.')} ${text}. If rows break it, correct them first`;
  if (kind === 'trigger') return `Run: ${text}`;
  if (kind === 'column')
    return `Stop all processes, restore ${of} from a backup, or add it empty: alter table ${of} add column ${part.join('.')} ${text}`;
  return 'Stop all processes of Errand, and restore the schemas from a backup: its rows are lost here';
}

/** Errand applies a function again if it does not know that its text was applied. */
function reapply(name: string, schemas: Schemas): string {
  if (name.startsWith('errand_worker.'))
    return `It belongs to graphile-worker. Restore the schema ${schemas.worker} from a backup, or copy the function from a new database`;
  const file = `functions/${name.replace(/^errand\./, '').replace(/\(.*/, '')}.sql`;
  return `Run: delete from ${schemas.errand}.migrations where file = '${file}'; then run \`errand migrate\`, which applies it again`;
}

function judgeChanged(object: CatalogueObject, actual: CatalogueObject, schemas: Schemas): Finding {
  const { kind } = object;
  const name = realName(object.name, schemas);
  const isOff = kind === 'trigger' && actual.text === `${object.text} (disabled)`;
  const table = realName(object.name.split('.').slice(0, 2).join('.'), schemas);
  if (isOff)
    return error('object_changed', {
      subject: name,
      message: `The trigger ${name} is disabled`,
      remedy: `Run: alter table ${table} enable trigger ${object.name.split('.').at(-1)}`,
    });
  const isHidden = actual.text.includes(HIDING);
  if (kind === 'table' && isHidden !== object.text.includes(HIDING)) return judgeHidden(name, isHidden);
  const difference =
    kind === 'function'
      ? firstDifference(object.text, actual.text)
      : `it must be ${short(object.text)}, and is ${short(actual.text)}`;
  const isUncritical = kind === 'index' && isUniqueIndex(object.text) === isUniqueIndex(actual.text);
  const isOption = kind === 'table' && !actual.text.startsWith('unlogged');
  return (isUncritical || isOption ? warning : error)('object_changed', {
    subject: name,
    message: `The ${kind} ${name} is not as migrations/ makes it: ${difference}`,
    remedy:
      kind === 'function'
        ? reapply(object.name, schemas)
        : kind === 'index'
          ? `Run: drop index concurrently ${name}; then: ${text(object)}`
          : 'Find out who changed it and why, and take it back with alter table',
  });
}

function judgeHidden(name: string, isHidden: boolean): Finding {
  return error('object_changed', {
    subject: name,
    message: isHidden
      ? `Row level security is on for ${name}: roles that do not own it see no rows, and may write none`
      : `Row level security is off for ${name}, which Errand has on`,
    remedy: `Run: alter table ${name} ${isHidden ? 'disable' : 'enable'} row level security`,
  });
}

function text(object: CatalogueObject): string {
  return object.text.replace(/^(CREATE (?:UNIQUE )?INDEX)/, '$1 CONCURRENTLY');
}

/** The first line in which two function texts differ. */
function firstDifference(expected: string, actual: string): string {
  const [ours, theirs] = [expected.split('\n'), actual.split('\n')];
  const at = ours.findIndex((line, index) => line !== theirs[index]);
  const line = at === -1 ? ours.length : at;
  return `line ${line} must be ${quoted(ours[line])}, and is ${quoted(theirs[line])}`;
}

function quoted(line: string | undefined): string {
  return line === undefined ? 'missing' : `"${short(line.trim())}"`;
}

function short(value: string): string {
  const line = value.replaceAll(/\s+/g, ' ').trim();
  return line.length > SHORT ? `${line.slice(0, SHORT)}…` : line;
}

const EFFECTS: Partial<Record<CatalogueObject['kind'], string>> = {
  trigger: 'It runs within the statements of Errand, and can slow them down or fail them',
  constraint: 'It can refuse what Errand writes',
  column: 'Errand does not write it, so it needs a default or must allow null',
  index: 'Each write has to maintain it',
  rule: 'It can replace what the statements of Errand do, so that nothing is written',
  function: 'A call may reach it instead of the function of Errand with the same name',
};

function judgeExtra({ kind, name, text: definition }: CatalogueObject, schemas: Schemas): Finding {
  const real = realName(name, schemas);
  const refuses = kind === 'column' && /not null/.test(definition) && !/default|generated/.test(definition);
  return (refuses || kind === 'rule' ? error : warning)('object_extra', {
    subject: real,
    message: refuses
      ? `The column ${real} is not Errand's, and must not be null: nothing can be inserted into its table`
      : `The ${kind} ${real} is not Errand's: ${short(definition)}. ${EFFECTS[kind] ?? 'Schemas of Errand are for Errand alone'}`,
    remedy: refuses
      ? `Run: alter table ${real.split('.').slice(0, 2).join('.')} alter column ${real.split('.').at(-1)} drop not null`
      : 'If nobody needs it, drop it. Otherwise move it to another schema, or look at it again after each update of Errand',
  });
}

function judgeInvalid({ name, isUnique, isInWork }: InvalidIndex, schemas: Schemas): Finding {
  const real = realName(name, schemas);
  if (isInWork)
    return warning('index_invalid', {
      subject: real,
      message: `The index ${real} is being made now, and is not used yet`,
      remedy: 'Wait until it is done (pg_stat_progress_create_index)',
    });
  return (isUnique ? error : warning)('index_invalid', {
    subject: real,
    message: `The index ${real} is invalid: it is maintained by each write, and used by no statement`,
    remedy: `Run: reindex index concurrently ${real}. If that fails on duplicates, remove them first`,
  });
}
