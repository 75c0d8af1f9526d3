import { connectDatabase, connectionConfig } from '../../process/database.ts';
import { prepare } from '../../process/prepare.ts';
import { runMain } from '../../process/start.ts';
import { createTaskLog } from '../../runner/execute/task_log.ts';
import { createEvents } from '../../runner/record/events.ts';
import { superviseRunner } from '../../runner/supervisor.ts';
import { registerDefinitions } from '../../store/submit/definitions.ts';
import { batchTasks, SINK } from './tasks.ts';

// A runner of the tasks that are compared with their batches, without its HTTP server.
await runMain(async () => {
  const { config, log, destination, onSignal } = await prepare('runner');
  const connect = (applicationName: string) =>
    connectDatabase(config, log, { applicationName, statementTimeoutMs: 30_000 });
  const [pgPool, sink] = await Promise.all([connect('errand runner'), connect('errand bench')]);
  await sink.query(SINK);
  const registeredHandlers = batchTasks(sink);
  await registerDefinitions(
    pgPool,
    Array.from(registeredHandlers.values(), ({ definition }) => definition),
  );
  const runner = await superviseRunner({
    ...{ config, pgPool, log, events: createEvents(log), registeredHandlers },
    connection: { ...connectionConfig(config), application_name: 'errand lease' },
    taskLog: createTaskLog(log, destination),
    version: 'bench',
  });
  onSignal({
    timeoutMs: 60_000,
    stop: async () => {
      await runner.stop();
      await Promise.all([pgPool.end(), sink.end()]);
    },
  });
  process.send?.({ listening: 0 });
});
