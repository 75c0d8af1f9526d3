import { registerHooks } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { enterStandby, onOrder } from '../process/standby.ts';

// An API or a runner of `errand dev` (the argument says which). It loads its code in advance, and reports each file
// of the project that it loads, so that `errand dev` knows which changes concern it.
enterStandby();
onOrder('load', reportFiles);
await import(`../${process.argv[2] === 'api' ? 'api' : 'runner'}/main${extname(import.meta.filename)}`);

function reportFiles(): void {
  registerHooks({
    load(url, context, nextLoad) {
      if (url.startsWith('file:') && !url.includes('/node_modules/')) {
        const [path = url] = url.split('?', 1);
        process.send?.({ loaded: fileURLToPath(path) });
      }
      return nextLoad(url, context);
    },
  });
}
