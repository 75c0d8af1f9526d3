/**
 * Two parts of a statement that announce due tasks: `dispatches`, the graphile-worker job of each
 * dispatch, and `dispatched`, which adds them all at once. `due` is the text after FROM: a relation
 * with the columns id, name, priority, dispatch_id and run_at, with an optional condition. Tasks of
 * one dispatch_id share a dispatch. With `isOrdered` the jobs are added in the order of their
 * tasks.
 *
 * The statement must read `dispatched`: Postgres does not run a SELECT that nothing reads.
 *
 * The tasks and their dispatches are written by one statement, so after a crash either both exist
 * or neither.
 */
export function addDispatches(due: string, isOrdered = false): string {
  const [first, order] = isOrdered
    ? [',\n               (array_agg(id order by id))[1] as first', ' order by first']
    : ['', ''];
  return `
  dispatches as (
    select errand.dispatch_spec(dispatch_id, name, priority, run_at, array_agg(id order by id)) as spec${first}
      from ${due}
     group by dispatch_id, name, priority, run_at
  ),
  dispatched as (
    select errand_worker.add_jobs(array_agg(spec${order})) from dispatches having count(*) > 0
  )`;
}
