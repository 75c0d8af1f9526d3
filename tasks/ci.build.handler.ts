import { loadConfig } from '../config/load.ts';
import { defineHandler } from '../core/task.ts';
import { builderFor } from './ci/build.ts';
import { ciBuild } from './ci.build.task.ts';

/** Builds commits. The configuration is read once, when a runner starts. */
export default defineHandler(ciBuild, builderFor(loadConfig()));
