import { describeVariables } from './describe.ts';

const MARKERS = { start: '<!-- config:start -->', end: '<!-- config:end -->' };

/** The text of `.env.example`: every variable, commented out, with its default or else an example. */
export function envExample(): string {
  const blocks = describeVariables().map((variable) =>
    [
      `# ${variable.purpose}.`,
      `# It must be ${variable.accepts}.`,
      `# ${variable.name}=${variable.default ?? variable.example ?? ''}`,
    ].join('\n'),
  );
  const head =
    '# Copy this to .env and take the # away where a value is to differ. Written by `npm run config-docs`.';
  return `${[head, ...blocks].join('\n\n')}\n`;
}

/** The table of README.md. */
export function configTable(): string {
  const rows = describeVariables().map(
    ({ name, purpose, accepts, default: value }) =>
      `| \`${name}\` | ${value === undefined ? '' : `\`${value}\``} | ${accepts} | ${purpose} |`,
  );
  return ['| variable | default | must be | what it is |', '|---|---|---|---|', ...rows].join('\n');
}

/** A README with the table of today between its markers. Throws when it has no markers. */
export function withTable(readme: string): string {
  const start = readme.indexOf(MARKERS.start);
  const end = readme.indexOf(MARKERS.end);
  if (start === -1 || end < start) throw new Error(`README.md has no ${MARKERS.start} before ${MARKERS.end}`);
  return `${readme.slice(0, start + MARKERS.start.length)}\n${configTable()}\n${readme.slice(end)}`;
}
