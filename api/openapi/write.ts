import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definitions } from '../../tasks/index.ts';
import { buildOpenApi } from './build.ts';
import { toYaml } from './yaml.ts';

// `npm run openapi`: writes openapi.yaml from the definitions.
await writeFile(join(import.meta.dirname, '..', '..', 'openapi.yaml'), toYaml(buildOpenApi(definitions)));
