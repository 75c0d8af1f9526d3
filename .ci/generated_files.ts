/** Committed files that are generated, and the npm script that generates them. */
export const GENERATED: readonly { script: string; files: readonly string[] }[] = [
  { script: 'openapi', files: ['openapi.yaml'] },
  { script: 'config-docs', files: ['.env.example', 'docs/guides/configuration.md'] },
  { script: 'cli-docs', files: ['docs/guides/command-line.md'] },
  { script: 'schema', files: ['migrations/schema.sql'] },
];

/** The same files as paths. Their length is not checked. */
export const GENERATED_FILES: ReadonlySet<string> = new Set(GENERATED.flatMap(({ files }) => files));
