import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ERRAND, type Ownership } from '../../../../core/registration/owner.ts';
import type { Schema } from '../../../../core/schema.ts';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import { keepRegistered, registerDefinitions } from '../../../../store/submit/definitions.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();
beforeEach(async () => {
  await pool.query('truncate errand.definitions, errand.runners');
});

const NUMBER = z.object({ id: z.number() });
const TEXT = z.object({ id: z.string() });

function define(payload: Schema, version = '1.0.0', name = 'invoice.send'): TaskDefinition {
  const example = payload === TEXT ? { id: 'a' } : { id: 1 };
  return defineTask({
    ...{ name, version, description: 'For a test', payload, example },
  }) as unknown as TaskDefinition;
}

const of = (project: string | null): Ownership => ({ project, ownerOf: () => project });
const start = (project: string | null, ...definitions: TaskDefinition[]): Promise<void> =>
  registerDefinitions(pool, definitions, of(project));

function run(project: string | null, ...taskNames: string[]): Promise<number> {
  return registerRunner(pool, {
    ...{ host: 'host-a', pid: 1, version: 'test', concurrency: 1, leaseSecs: 600 },
    ...{ project, taskNames },
  });
}

/** As if everything had been registered a while ago. */
async function later(): Promise<void> {
  await pool.query(`update errand.definitions set registered_at = now() - interval '2 minutes'`);
}

async function registered(): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select name, owner, version, payload_schema #>> '{properties,id,type}' as type
       from errand.definitions order by name`,
  );
  return rows.map((row) => Object.values(row).join(' '));
}

describe('a name of a live runner of another repository', () => {
  test('is refused if the schemas differ, with both owners, and nothing is registered', async () => {
    await start('billing', define(NUMBER));
    const id = await run('billing', 'invoice.send');
    await later();
    const other = start('shop', define(TEXT, '3.0.0'), define(TEXT, '1.0.0', 'order.pack'));
    await expect(other).rejects.toThrow(
      new RegExp(
        `invoice\\.send: here it is version 3\\.0\\.0 of shop \\(.*owners\\.test\\.ts\\), but billing has registered version 1\\.0\\.0 with other schemas \\(runner ${id} on host-a\\)`,
      ),
    );
    await expect(other).rejects.toThrow(/`project` in errand\.config\.ts/);
    expect(await registered()).toEqual(['invoice.send billing 1.0.0 number']);
  });

  test('is shared if the schemas are the same, and stays with its first owner', async () => {
    await start('billing', define(NUMBER));
    await run('billing', 'invoice.send');
    await later();
    await start('shop', define(NUMBER));
    expect(await registered()).toEqual(['invoice.send billing 1.0.0 number']);
  });

  test('is refused to a process that ships with Errand what the other has defined', async () => {
    await start('billing', define(NUMBER, '1.0.0', 'http.request'));
    await run('billing', 'http.request');
    await later();
    const shipped: Ownership = { project: 'shop', ownerOf: () => ERRAND };
    await expect(registerDefinitions(pool, [define(TEXT, '1.0.0', 'http.request')], shipped)).rejects.toThrow(
      'here it is version 1.0.0 of errand',
    );
  });

  test('is told of again by a runner that found out too late', async () => {
    await start('billing', define(NUMBER));
    await run('billing', 'invoice.send');
    await run('shop', 'invoice.send');
    await later();
    await expect(keepRegistered(pool, [define(TEXT)], of('shop'))).rejects.toThrow('of shop');
    await expect(keepRegistered(pool, [define(NUMBER)], of('billing'))).resolves.toBe(false);
  });
});

describe('a name without such a runner', () => {
  test('is taken over when its runners have ended, or have no longer the name', async () => {
    await start('billing', define(NUMBER));
    const id = await run('billing', 'invoice.send');
    await run('billing', 'invoice.print');
    await later();
    await endRunner(pool, id);
    await start('shop', define(TEXT));
    expect(await registered()).toEqual(['invoice.send shop 1.0.0 string']);
  });

  test('is taken over unchanged, too', async () => {
    await start('billing', define(NUMBER));
    await later();
    await start('shop', define(NUMBER));
    expect(await registered()).toEqual(['invoice.send shop 1.0.0 number']);
  });

  test('counts as live for a minute after its registration: its runner is starting', async () => {
    await start('billing', define(NUMBER));
    await expect(start('shop', define(TEXT))).rejects.toThrow('other schemas, less than a minute ago');
    expect(await registered()).toEqual(['invoice.send billing 1.0.0 number']);
  });
});

describe('one repository', () => {
  test('changes its schemas beside its live runners, at one version or another', async () => {
    await start('billing', define(NUMBER));
    await run('billing', 'invoice.send');
    await start('billing', define(TEXT));
    expect(await registered()).toEqual(['invoice.send billing 1.0.0 string']);
    await start('billing', define(NUMBER, '2.0.0'));
    expect(await registered()).toEqual(['invoice.send billing 2.0.0 number']);
  });

  test('that is not known refuses nobody, and is not refused', async () => {
    await start(null, define(NUMBER));
    await run(null, 'invoice.send');
    await start('billing', define(TEXT));
    await run('billing', 'invoice.send');
    await start(null, define(NUMBER));
    // Whose name it was is kept.
    expect(await registered()).toEqual(['invoice.send billing 1.0.0 number']);
  });
});
