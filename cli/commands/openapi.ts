import { Command } from 'commander';
import { CommandError } from '../exit_codes.ts';
import { withExamples } from '../remote.ts';

/** `errand openapi`: the OpenAPI document of the definitions. */
export function openapiCommand(): Command {
  const command = new Command('openapi')
    .description('Print the OpenAPI document (YAML) of the task definitions')
    .option('-o, --output <file>', 'write it into a file');
  return withExamples(command, [
    ['errand openapi > openapi.yaml', 'for a generator of clients, or to commit it'],
    ['errand openapi --output openapi.yaml', 'the same'],
  ]).action(async ({ output }: { output?: string }) => {
    const [{ buildOpenApi }, { toYaml }, { loadProject }, { writeFile }] = await Promise.all([
      import('../../api/openapi/build.ts'),
      import('../../api/openapi/yaml.ts'),
      import('../../project/project.ts'),
      import('node:fs/promises'),
    ]);
    const { NODE_ENV = 'development', ERRAND_CONFIG } = process.env;
    const { registry } = await loadProject({ NODE_ENV, ERRAND_CONFIG });
    const text = toYaml(buildOpenApi(registry.definitions));
    if (output === undefined) process.stdout.write(text);
    else
      await writeFile(output, text).catch((error: unknown) => {
        throw new CommandError(`The file ${JSON.stringify(output)} cannot be written: ${String(error)}`);
      });
  });
}
