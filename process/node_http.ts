/**
 * What is used of Node's HTTP. `import … from 'node:http'` reads every export of that module, and one of them loads Node's
 * WebSocket with all of undici behind a getter: 60 ms of CPU at each start (Node 24.21).
 */
export const { createServer, IncomingMessage, ServerResponse, STATUS_CODES } =
  process.getBuiltinModule('node:http');
