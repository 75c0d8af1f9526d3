import { describeVariables } from './describe.ts';

const MARKERS = { start: '<!-- config:start -->', end: '<!-- config:end -->' };

/** The text of `.env.example`: every variable, commented out, with its default or an example. */
export function envExample(): string {
  const blocks = describeVariables().map((variable) =>
    [
      `# ${variable.purpose}.`,
      `# It must be ${variable.accepts}.`,
      `# ${variable.name}=${variable.default ?? variable.example ?? ''}`,
    ].join('\n'),
  );
  const head =
    '# Copy this file to .env and remove the # before each value that you want to change. Written by `npm run config-docs`.';
  return `${[head, ...blocks].join('\n\n')}\n`;
}

/** The table of docs/guides/configuration.md. */
export function configTable(): string {
  const rows = describeVariables().map(
    ({ name, purpose, accepts, default: value }) =>
      `| \`${name}\` | ${value === undefined ? '' : `\`${value}\``} | ${accepts} | ${purpose} |`,
  );
  return ['| variable | default | must be | purpose |', '|---|---|---|---|', ...rows].join('\n');
}

/** The guide with the current table between its markers. Throws if it has no markers. */
export function withTable(guide: string): string {
  const start = guide.indexOf(MARKERS.start);
  const end = guide.indexOf(MARKERS.end);
  if (start === -1 || end < start)
    throw new Error(
      `configuration.md has no ${MARKERS.start} before ${MARKERS.end}: add both lines where the table belongs`,
    );
  return `${guide.slice(0, start + MARKERS.start.length)}\n${configTable()}\n${guide.slice(end)}`;
}
