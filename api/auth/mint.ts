import { runMain } from '../../process/start.ts';
import { mint, printMinted } from './credentials.ts';
import { mintOptions, USAGE } from './mint_options.ts';

// `npm run token`: makes a development token or an API key. The secret goes to stdout, everything else to
// stderr.
await runMain(async () => {
  const options = mintOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(USAGE);
  else printMinted(await mint(options), options.json);
});
