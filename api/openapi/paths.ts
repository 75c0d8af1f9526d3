import { createRequire } from 'node:module';

/** What express-openapi-validator makes of the path of a route. */
type Compile = (path: string, options: Options) => object;
type Options = { sensitive: boolean; strict: boolean };

let isDone = false;

/**
 * Lets the paths of routes be compiled once. express-openapi-validator compiles them anew for each request, one after
 * the other until one fits, which was a seventh of what the API spent on a submission (issue 7); what it gets has no
 * state, and there are as many as the document has. It looks its function up at each call, so it gets another one;
 * should it do so no longer, nothing changes but the time.
 */
export function compilePathsOnce(): void {
  if (isDone) return;
  isDone = true;
  const ofValidator = createRequire(createRequire(import.meta.url).resolve('express-openapi-validator'));
  const library = ofValidator('path-to-regexp') as { pathToRegexp: Compile };
  if (Object.getOwnPropertyDescriptor(library, 'pathToRegexp')?.writable !== true) return;
  const compile = library.pathToRegexp;
  const compiled = new Map<string, object>();
  library.pathToRegexp = (path, options) => {
    const key = `${options.sensitive} ${options.strict} ${path}`;
    let made = compiled.get(key);
    if (made === undefined) {
      made = compile(path, options);
      compiled.set(key, made);
    }
    return made;
  };
}
