import type { Database } from '../../store/database/pool.ts';

type Plan = {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Plan[];
};

/**
 * A part of a plan that reads a table: the kind of scan, how often it ran, and how many rows it
 * read, including those that it dropped.
 */
export type Scan = { table: string; type: string; loops: number; read: number };

/** Runs a statement once more and gives the scans of its plan. */
export async function scansOf(
  database: Database,
  { text, values }: { text: string; values: unknown[] },
): Promise<Scan[]> {
  type Explained = { 'QUERY PLAN': [{ Plan: Plan }] };
  const { rows } = await database.query<Explained>(`explain (analyze, format json) ${text}`, values);
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  if (plan === undefined) throw new Error('no plan');
  return nodesOf(plan).flatMap((node) => {
    const table = node['Relation Name'];
    const rowsOfNode =
      node['Actual Rows'] +
      (node['Rows Removed by Filter'] ?? 0) +
      (node['Rows Removed by Index Recheck'] ?? 0);
    const loops = node['Actual Loops'];
    return table === undefined ? [] : [{ table, type: node['Node Type'], loops, read: loops * rowsOfNode }];
  });
}

/** The scans of errand.tasks: how many rows they read, and their kinds. */
export function ofTasks(scans: Scan[]): { read: number; scans: string[] } {
  const own = scans.filter(({ table }) => table === 'tasks');
  return { read: own.reduce((sum, { read }) => sum + read, 0), scans: own.map(({ type }) => type) };
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
