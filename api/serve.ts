import type { RequestListener, Server } from 'node:http';
import type { Logger } from 'pino';
import { apiListening } from '../config/listening.ts';
import type { Config } from '../config/schema.ts';
import { announce, closeServer, listen, portOf } from '../process/http.ts';
import { prepare } from '../process/prepare.ts';
import { handOver, isStandby, lifecycleLevel, onOrder } from '../process/standby.ts';
import { runMain, startStep, warnOfDefinitions } from '../process/start.ts';
import { trimHeap } from '../process/trim_heap.ts';
import { loadProject, type Project } from '../project/project.ts';
import { answerMalformed } from './middleware/malformed.ts';
import { drainTimes, startApi } from './start_api.ts';
import { takeUpgrades, wantsWebSocket } from './streams/feed/upgrade.ts';

// `npm run api`: the HTTP side of Errand. It is stateless, and any number of processes can run. It starts in
// the order of X11, with one exception: it listens before the database is ready. Waiting for the database or
// for a migration may take long, and meanwhile requests get the answer that the API is starting.
await runMain(async () => {
  const { config, log, onSignal } = await prepare('api');
  const project = await startStep(log, 'definitions', () => loadProject(config));
  const { registry, ownership } = project;
  warnOfDefinitions(log, registry.definitions);
  const api = await startApi({ config, registry, ownership, log });
  const startServer = () => startStep(log, 'http', () => serve(config, api.app, log));
  // In standby, another process answers on this port until this one is complete.
  const early = isStandby() ? null : await startServer();
  await api.bringUp();
  const server = early ?? (await startServer());
  trimHeap();
  log[lifecycleLevel()]({ port: portOf(server), tasks: registry.definitions.length }, 'api is ready');
  process.on('SIGUSR2', () => {
    log.warn({ state: api.toggleEmergency() }, 'SIGUSR2: switched the emergency state on or off');
  });
  let isRetired = false;
  onOrder('retire', () => {
    isRetired = true;
    process.kill(process.pid, 'SIGTERM');
  });
  onSignal({
    timeoutMs: drainTimes(config).max + 5_000,
    stop: async () => {
      if (isRetired) await handOver(server);
      await closeServer(server, await api.drain(isRetired));
      await api.close();
    },
  });
  // The start does not wait for this. The result is logged, and GET /v1/handlers shows it.
  void api.reportWaiting();
  announce(server, tasksToTry(project));
});

function tasksToTry({ registry, own }: Project): { name: string; example: unknown; isOwn: boolean }[] {
  return registry.definitions.map(({ name, example }) => ({ name, example, isOwn: own.has(name) }));
}

async function serve(config: Config, app: RequestListener, log: Logger): Promise<Server> {
  const { host, why } = apiListening(config);
  const server = await listen(app, {
    host,
    port: config.SERVER_PORT,
    variable: 'SERVER_PORT',
    onMalformed: answerMalformed,
    requestTimeoutMs: config.REQUEST_TIMEOUT_SECS * 1_000,
    shouldUpgrade: wantsWebSocket,
  });
  takeUpgrades(server, app);
  log[lifecycleLevel()]({ host, port: portOf(server) }, `listening on ${host}: ${why}`);
  return server;
}
