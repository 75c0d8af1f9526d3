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

/** A pair of keys that signs tokens for trying out, and the public one as PEM. */
export type DevelopmentKey = { privateKey: KeyObject; publicPem: string };

/**
 * The key of this folder, made when there is none; nobody else on the machine can read it. Of two processes that
 * make it at once one wins, and both use that. Throws when the file holds no key.
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
    // Whole or not at all, and never over another one's.
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
    throw new Error(`${file} holds no private key: delete it, and the next token comes with a new one`);
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
