import { loadConfig } from '../config/load.ts';
import { defineHandler } from '../core/task.ts';
import { createBuilder } from './ci/build.ts';
import { ciBuild } from './ci.build.task.ts';

const { CI_REPOSITORIES, CI_BUILD_ISOLATION, ABORT_GRACE_SECS } = loadConfig();

/** Builds commits. The configuration is read once, when a runner starts. */
export default defineHandler(
  ciBuild,
  createBuilder({
    repositories: CI_REPOSITORIES ?? [],
    abortGraceMs: ABORT_GRACE_SECS * 1_000,
    isolation: { mode: CI_BUILD_ISOLATION },
  }),
);
