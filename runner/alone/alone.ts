import { connectDatabase } from '../../process/database.ts';
import { prepare } from '../../process/prepare.ts';
import { runMain } from '../../process/start.ts';
import { loadProject } from '../../project/project.ts';
import { allHandlers } from '../builtin/registered_handlers.ts';
import { ALONE_POOL, executeAlone } from './alone_child.ts';

// The process of a single attempt. runner/main.ts starts it for tasks whose runners have died
// before.
await runMain(async () => {
  // Until it has its order, a signal ends it with an exit code that does not mean success.
  const prepared = await prepare('runner', 1);
  const { config, log } = prepared;
  const pgPool = await connectDatabase(config, log, ALONE_POOL);
  const registeredHandlers = await allHandlers(config, pgPool, await loadProject(config));
  await executeAlone(prepared, { pgPool, registeredHandlers });
});
