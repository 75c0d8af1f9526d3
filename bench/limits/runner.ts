import { connectDatabase, connectionConfig } from '../../process/database.ts';
import { prepare } from '../../process/prepare.ts';
import { runMain } from '../../process/start.ts';
import { createTaskLog } from '../../runner/execute/task_log.ts';
import { createEvents } from '../../runner/record/events.ts';
import { superviseRunner } from '../../runner/supervisor.ts';
import { registerDefinitions } from '../../store/submit/definitions.ts';
import { limitedTasks } from './tasks.ts';

// A runner of the tasks with limits, without its HTTP server.
await runMain(async () => {
  const { config, log, destination, onSignal, stopBroken } = await prepare('runner');
  const pgPool = await connectDatabase(config, log, {
    applicationName: 'errand runner',
    statementTimeoutMs: 30_000,
  });
  await registerDefinitions(
    pgPool,
    Array.from(limitedTasks.values(), ({ definition }) => definition),
  );
  const events = createEvents(log);
  events.on('deaf', stopBroken);
  const runner = await superviseRunner({
    ...{ config, pgPool, log, events, registeredHandlers: limitedTasks },
    connection: { ...connectionConfig(config), application_name: 'errand lease' },
    taskLog: createTaskLog(log, destination),
    version: 'bench',
  });
  onSignal({
    timeoutMs: 60_000,
    stop: async () => {
      await runner.stop();
      await pgPool.end();
    },
  });
  process.send?.({ listening: 0 });
});
