#!/usr/bin/env bash
# standardwebhooks: `verify` with the headers of a fetch Request.
# Expected: the headers of the web's own Request, in which every fetch-style server gets a webhook, are taken as a plain object's are.
# Seen: with a Headers object the same delivery is refused with "Missing required headers", because verify reads its own
# enumerable properties, of which Headers has none. Object.fromEntries(request.headers) verifies.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund standardwebhooks@1.1.1 >/dev/null
cat >run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
const { version } = JSON.parse(readFileSync('node_modules/standardwebhooks/package.json', 'utf8'));
const webhook = new Webhook(Buffer.from('a secret for this script').toString('base64'));
const at = new Date();
const body = '{"type":"task.succeeded"}';
const { headers } = new Request('http://localhost/hook', {
  method: 'POST',
  body,
  headers: {
    'webhook-id': 'delivery-1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': webhook.sign('delivery-1', at, body),
  },
});
const outcome = (given) => {
  try {
    return webhook.verify(body, given);
  } catch (error) {
    return error.message;
  }
};
const seen = { plainObject: outcome(Object.fromEntries(headers)), headers: outcome(headers) };
console.log(`standardwebhooks ${version}, node ${process.version}`);
console.log(JSON.stringify(seen));
const expected = { plainObject: { type: 'task.succeeded' }, headers: 'Missing required headers' };
if (JSON.stringify(seen) !== JSON.stringify(expected)) {
  console.log(`the behaviour has changed: it was ${JSON.stringify(expected)}`);
  process.exitCode = 1;
}
JS
node run.mjs
