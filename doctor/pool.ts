import { isNewer } from '../core/definitions/version.ts';
import type { OpenTasks, PoolFacts, RunnerFacts } from '../store/doctor/pool_facts.ts';
import { duration, error, type Finding, ok, some, warning } from './finding.ts';

/** The first heartbeat after the event loop was blocked so long is a trouble, and not only a busy moment. */
const BLOCKED_SECS = 5;

/** Whether a runner counts as live: its lease has not run out. */
export function isLive({ silentSecs, leaseSecs }: RunnerFacts): boolean {
  return silentSecs <= leaseSecs;
}

/** Judges the runners and what Postgres knows of other processes. `version` is that of this installation. */
export function judgeRunners({ runners, lostLately, connected }: PoolFacts, version: string): Finding[] {
  const own = runners.filter(({ isForOneTask }) => !isForOneTask);
  const live = own.filter(isLive);
  return [
    ...judgeLive(live),
    ...own.filter((runner) => !isLive(runner)).map((runner) => judgeOverdue(runner, live.length)),
    ...own.filter(isLive).flatMap(judgeBlocked),
    ...lostLately.map((lost) =>
      warning('runner_lost', {
        subject: lost.host,
        message: `${lost.runners} runners on ${lost.host} (${lost.version}) were lost in the last hour: their leases ran out, and others took over their work`,
        remedy: `Look at the last log lines and the exit code of the runners on ${lost.host}: was it out of memory, killed, or cut off from Postgres?`,
      }),
    ),
    ...judgeVersions(live, version),
    ...judgeDefinitions(live),
    ...judgeApis(connected),
  ];
}

function judgeLive(live: readonly RunnerFacts[]): Finding[] {
  if (live.length === 0)
    return [
      error('no_live_runner', {
        message: 'No runner is live, so no task is executed',
        remedy:
          'Start one (`errand runner`). If some should be running, look at their last log lines, and whether they use this database and these schemas',
      }),
    ];
  const slots = live.reduce((sum, { concurrency }) => sum + concurrency, 0);
  const busy = live.reduce((sum, { inFlight }) => sum + inFlight, 0);
  return [ok('runners', `${live.length} runners are live, with ${slots} slots, of which ${busy} are busy`)];
}

function named({ id, host, pid, version }: RunnerFacts): string {
  return `runner ${id} (pid ${pid} on ${host}, ${version})`;
}

function judgeOverdue(runner: RunnerFacts, live: number): Finding {
  const { silentSecs, leaseSecs, id } = runner;
  return warning('runner_overdue', {
    subject: String(id),
    message: `The ${named(runner)} has sent no heartbeat for ${duration(silentSecs)}, and its lease is ${duration(leaseSecs)}. ${live === 0 ? 'Nobody can take over its work, because no runner is live' : 'Another runner takes over its work as soon as it has itself been live for a lease'}`,
    remedy:
      live === 0
        ? 'Start a runner'
        : 'If this is still so in a minute, look at the log of the live runners for "recovery failed"',
  });
}

function judgeBlocked(runner: RunnerFacts): Finding[] {
  const { blockedSecs, blockedBy, id } = runner;
  if (blockedSecs === null || blockedSecs < BLOCKED_SECS) return [];
  return [
    warning('runner_blocked', {
      subject: String(id),
      message: `The event loop of ${named(runner)} has not turned for ${duration(blockedSecs)}${blockedBy === null ? '' : `, in the handler of task ${blockedBy}`}: its other attempts stand still`,
      remedy:
        'When the time of that attempt is over, the runner ends and its work goes on elsewhere. Give the handler a shorter timeout, or let it yield',
    }),
  ];
}

/** Whether the processes of the version before are gone after an update. */
function judgeVersions(live: readonly RunnerFacts[], version: string): Finding[] {
  const others = live.filter((runner) => runner.version !== version);
  if (live.length > 0 && others.length === 0)
    return [
      ok('old_process', `All live runners are of this version, ${version}: none of another one is left`),
    ];
  return others.map((runner) => {
    const isOlder = isNewer(version, runner.version);
    return warning('old_process', {
      subject: String(runner.id),
      message: `The ${named(runner)} is of ${isOlder ? 'an older' : 'a newer'} version of Errand than this one (${version}), and has been live since ${runner.startedAt}`,
      remedy: isOlder
        ? 'It works beside newer processes. Stop it with SIGTERM and start it in the new version to end the update'
        : 'Update this installation before you judge the database with it',
    });
  });
}

/** Runners with different versions of one definition: the ones with the older version leave newer tasks alone. */
function judgeDefinitions(live: readonly RunnerFacts[]): Finding[] {
  const versions = new Map<string, Set<string>>();
  for (const { taskVersions } of live)
    for (const [name, version] of Object.entries(taskVersions ?? {}))
      versions.set(name, (versions.get(name) ?? new Set()).add(version));
  const differing = [...versions].filter(([, found]) => found.size > 1);
  if (differing.length === 0) return [];
  const list = differing.map(([name, found]) => `${name} (${[...found].sort().join(', ')})`);
  return [
    warning('definitions_differ', {
      message: `Live runners have different versions of ${differing.length} tasks: ${some(list)}`,
      remedy:
        'During a deployment this passes. Otherwise deploy all runners again: tasks of the newer version wait for the few that have it',
    }),
  ];
}

function judgeApis(connected: PoolFacts['connected']): Finding[] {
  const apis = connected.filter(({ application }) => application === 'errand api');
  const from = apis.map(
    ({ address, connections, since }) =>
      `${connections} connections from ${address ?? 'this machine, or an address that this role may not see'}, the oldest since ${since}`,
  );
  return [
    ok(
      'api_processes',
      apis.length === 0
        ? 'No API process is connected to this database now. An idle one may have no connection'
        : `API processes are connected: ${some(from)}. The database does not know their versions: GET /health of each says it`,
    ),
  ];
}

/** Judges the names and versions of open tasks that no live runner has. */
export function judgeNames(open: readonly OpenTasks[], live: number): Finding[] {
  if (live === 0) return [];
  const unable = open.filter(({ able, pauses }) => able === 0 && pauses.length === 0);
  return unable.map((tasks) => {
    const { name, version, isDue, having } = tasks;
    const trouble = {
      subject: name,
      message: `${counted(tasks)} ${having === 0 ? `${isDue ? 'wait' : 'will wait'} for a runner that has this task: no live runner has it` : `of version ${version} ${isDue ? 'wait' : 'will wait'} for a newer runner: the live ones have only older versions of this task`}`,
      remedy:
        having === 0
          ? `Start the runner whose code has ${name}. If the task was removed or renamed, cancel what waits: POST /v1/tasks/cancel with {"filter":{"name":"${name}"}}`
          : `Deploy the runners that have ${name} ${version} again, or cancel these tasks`,
    };
    const code = having === 0 ? 'name_without_runner' : 'version_without_runner';
    return isDue ? error(code, trouble) : warning(code, trouble);
  });
}

/** The number of tasks, their name, and how long the first of them has been due. */
export function counted({ name, tasks, isCapped, isDue, dueSecs }: OpenTasks): string {
  const number = isCapped ? `${tasks} or more` : `${tasks}`;
  const when = isDue ? `the oldest due for ${duration(dueSecs)}` : `the first due in ${duration(-dueSecs)}`;
  return `${number} tasks ${name} (${when})`;
}
