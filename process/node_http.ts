/**
 * The parts of Node's HTTP that are used. `import … from 'node:http'` would read every export of that module.
 * One of them is a getter that loads Node's WebSocket and all of undici: 60 ms of CPU at each start (Node
 * 24.21).
 */
export const { createServer, IncomingMessage, ServerResponse, STATUS_CODES } =
  process.getBuiltinModule('node:http');
