import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILE = 'token-key.pem';

/** A key pair that signs development tokens, with its public key as PEM. */
export type DevelopmentKey = { privateKey: KeyObject; publicPem: string };

/**
 * The key of this folder. If there is none, it is created, readable only by this user. If two processes
 * create it at once, one wins and both use its key. Throws if the file does not contain a private key.
 */
export async function developmentKey(folder: string): Promise<DevelopmentKey> {
  const file = join(folder, FILE);
  const privateKey = parseKey((await readIfThere(file)) ?? (await makeKey(folder, file)), file);
  const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  return { privateKey, publicPem };
}

async function makeKey(folder: string, file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  await mkdir(folder, { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  try {
    await writeFile(unfinished, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
      mode: 0o600,
      flag: 'wx',
    });
    // `link` publishes the complete file at once and never replaces an existing one.
    await link(unfinished, file).catch((error: unknown) => {
      if (!isCode(error, 'EEXIST')) throw error;
    });
  } finally {
    await rm(unfinished, { force: true });
  }
  return readFile(file, 'utf8');
}

function parseKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error(
      `${file} does not contain a private key: delete the file, and run "npm run token" again to make a new one`,
    );
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
