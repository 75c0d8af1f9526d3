import { loadConfig } from '../config/load.ts';
import { defineHandler } from '../core/task.ts';
import { createBuilder } from './ci/build.ts';
import { ciBuild } from './ci.build.task.ts';

const { CI_REPOSITORIES, ABORT_GRACE_SECS } = loadConfig();

/** Builds; CI_REPOSITORIES is read once, when a runner starts. */
export default defineHandler(
  ciBuild,
  createBuilder({ repositories: CI_REPOSITORIES ?? [], abortGraceMs: ABORT_GRACE_SECS * 1_000 }),
);
