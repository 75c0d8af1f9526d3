/** The operations of the API that texts of the API recommend, and the command for each. */
const COMMANDS: readonly (readonly [operation: RegExp, command: string])[] = [
  [/\bPATCH \/v1\/tasks\/([\w-]+)\/retry\b/g, 'errand retry $1'],
  [/\bDELETE \/v1\/tasks\/([\w-]+)/g, 'errand cancel $1'],
  [/\bPUT \/v1\/queues\/([\w.-]+)\/(pause|resume)\b/g, 'errand $2 $1'],
  [/\bPUT \/v1\/limits\/([\w.:-]+) with \{"paused": false\}/g, 'errand limits resume $1'],
  [/\bPUT \/v1\/limits\/([\w.:-]+) with \{"limit": (\d+)\}/g, 'errand limits set $1 $2'],
  [/\bGET \/v1\/limits\b(?!\/)/g, 'errand limits list'],
  [/\bPUT \/v1\/schedules\/([\w.-]+)\/(pause|resume)\b/g, 'errand schedules $2 $1'],
  [/\bPOST \/v1\/schedules\/([\w.-]+)\/(trigger|backfill)\b/g, 'errand schedules $2 $1'],
  [/\bGET \/v1\/schedules\b(?!\/)/g, 'errand schedules list'],
];

/** A text of the API with commands in the place of operations: who reads it has a command line. */
export function inCommands(text: string): string {
  return COMMANDS.reduce((changed, [operation, command]) => changed.replaceAll(operation, command), text);
}
