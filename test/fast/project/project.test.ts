import { describe, expect, test } from 'vitest';
import { loadCode } from '../../../project/code.ts';
import { loadProject, type Project } from '../../../project/project.ts';
import { CONFIG, definition, ERRAND, handler, projectFolder } from '../../support/checkout/project_folder.ts';

const development = { NODE_ENV: 'development' };

/** The project of a folder with these files. */
const load = (files: Record<string, string>, options: object = {}): Promise<Project> =>
  loadProject({ ...development, directory: projectFolder(files), ...options });

/** Why it cannot be loaded. */
async function refusal(files: Record<string, string>, options: object = {}): Promise<string> {
  try {
    await load(files, options);
  } catch (error) {
    if (error instanceof Error && error.name === 'ProjectError') return error.message;
    throw error;
  }
  throw new Error('The project was loaded');
}

const ONE = {
  'tasks/mail.send.task.ts': definition('mail.send'),
  'tasks/mail.send.handler.ts': handler('./mail.send.task.ts'),
};
const names = ({ registry }: Project): string[] => registry.definitions.map(({ name }) => name);

describe('what is found', () => {
  test('a task is two files, in any folder below; packages, hidden folders and declarations are not searched', async () => {
    const project = await load({
      'errand.config.ts': CONFIG,
      ...ONE,
      'tasks/deep/er/report.make.task.mts': definition('report.make'),
      'tasks/deep/er/report.make.handler.mts': handler('./report.make.task.mts'),
      'tasks/node_modules/other/x.task.ts': 'broken',
      'tasks/.hidden/x.task.ts': 'broken',
      'tasks/mail.send.task.d.ts': 'broken',
      'tasks/mail.send.test.ts': 'broken',
      'elsewhere/x.task.ts': 'broken',
    });
    expect([...project.own].sort()).toEqual(['mail.send', 'report.make']);
    expect(names(project)).toContain('example.echo');
    expect(names(project)).toContain('http.request');
    expect(names(project)).not.toContain('ci.build');
    for (const one of project.registry.definitions.filter(({ name }) => project.own.has(name)))
      expect(typeof (await loadCode(project, one))).toBe('function');
  });

  test('a workflow and its steps', async () => {
    const workflow = definition('order.fill', ' steps: { pack: step({}) },')
      .replace('defineTask', 'defineWorkflow, step')
      .replace('defineTask(', 'defineWorkflow(');
    const project = await load({
      'errand.config.ts': CONFIG,
      'tasks/order.fill.workflow.ts': workflow,
      'tasks/order.fill.steps.ts': `import { defineSteps } from '${ERRAND}';
import { task } from './order.fill.workflow.ts';
export default defineSteps(task, { steps: { pack: { handler: () => 1 } } });`,
    });
    const [fill] = project.registry.definitions;
    if (fill === undefined) throw new Error('nothing was found');
    expect(await loadCode(project, fill)).toHaveProperty('steps.pack');
  });

  test('without a configuration file, a process has the tasks that Errand ships', async () => {
    const project = await load({ 'tasks/broken.task.ts': 'broken' });
    expect(project.configFile).toBeNull();
    expect(names(project)).toContain('text.count_words');
  });

  test('the tasks that Errand ships are chosen by `shipped`, and production has no examples', async () => {
    const config = (shipped: string): string =>
      CONFIG.replace("['./tasks']", `['./tasks'], shipped: ${shipped}`);
    const chosen = await load({ 'errand.config.ts': config("['ci.build', 'http.request']"), ...ONE });
    expect(names(chosen).sort()).toEqual(['ci.build', 'http.request', 'mail.send']);
    expect(names(await load({ 'errand.config.ts': config('[]'), ...ONE }))).toEqual(['mail.send']);
    const production = await load({ 'errand.config.ts': CONFIG, ...ONE }, { NODE_ENV: 'production' });
    expect(names(production).sort()).toEqual(['http.request', 'mail.send']);
  });

  test('an explicit list loads without a search', async () => {
    const project = await load({
      'errand.config.ts': `import { defineConfig, listTasks } from '${ERRAND}';
import { task } from './mine.ts';
export default defineConfig({
  shipped: [],
  tasks: listTasks({ definitions: [task], handlers: { 'mail.send': () => import('./code.ts') } }),
});`,
      'mine.ts': definition('mail.send'),
      'code.ts': handler('./mine.ts'),
    });
    const [send] = project.registry.definitions;
    if (send === undefined) throw new Error('nothing was found');
    expect(typeof (await loadCode(project, send))).toBe('function');
  });

  test('ERRAND_CONFIG names another file', async () => {
    const project = await load(
      {
        'conf/mine.ts': CONFIG,
        'conf/tasks/mail.send.task.ts': definition('mail.send'),
        'conf/tasks/mail.send.handler.ts': handler('./mail.send.task.ts'),
      },
      { ERRAND_CONFIG: 'conf/mine.ts' },
    );
    expect([...project.own]).toEqual(['mail.send']);
    expect(await refusal({}, { ERRAND_CONFIG: 'none.ts' })).toBe(
      'ERRAND_CONFIG names none.ts, which does not exist',
    );
  });
});

describe('what is refused, with the names of the files', () => {
  test('a definition without its code, and code without its definition: all at once', async () => {
    const message = await refusal({
      'errand.config.ts': CONFIG,
      ...ONE,
      'tasks/a.one.task.ts': definition('a.one'),
      'tasks/b.two.workflow.mts': definition('b.two'),
      'tasks/c.three.handler.ts': 'x',
    });
    expect(message.split('\n').sort()).toEqual([
      'tasks/a.one.task.ts has no code: add tasks/a.one.handler.ts beside it',
      'tasks/b.two.workflow.mts has no code: add tasks/b.two.steps.mts beside it',
      'tasks/c.three.handler.ts has no definition: add it beside it, or rename the file',
    ]);
  });

  test('two files of one name', async () => {
    expect(await refusal({ 'errand.config.ts': CONFIG, ...ONE, 'tasks/mail.send.task.js': 'x' })).toBe(
      'tasks/mail.send.task.js and tasks/mail.send.task.ts have one name: remove or rename one',
    );
  });

  test('two definitions of one task name', async () => {
    const files = {
      'errand.config.ts': CONFIG,
      ...ONE,
      'tasks/b.task.ts': definition('mail.send'),
      'tasks/b.handler.ts': handler('./b.task.ts'),
    };
    const refused = load(files);
    await expect(refused).rejects.toThrow(
      /mail\.send[\s\S]*tasks\/b\.task\.ts|tasks\/b\.task\.ts[\s\S]*mail\.send/,
    );
  });

  test('the handler of another task, and a file without a handler', async () => {
    const project = await load({
      'errand.config.ts': CONFIG,
      ...ONE,
      'tasks/mail.read.task.ts': definition('mail.read'),
      'tasks/mail.read.handler.ts': handler('./mail.send.task.ts'),
      'tasks/mail.drop.task.ts': definition('mail.drop'),
      'tasks/mail.drop.handler.ts': 'export default () => 1',
    });
    const code = async (name: string): Promise<unknown> => {
      const found = project.registry.definitions.find((one) => one.name === name);
      if (found === undefined) throw new Error(`${name} was not found`);
      return loadCode(project, found);
    };
    await expect(code('mail.read')).rejects.toThrow(
      'tasks/mail.read.handler.ts has the code of mail.send, not of mail.read: import the definition beside it',
    );
    await expect(code('mail.drop')).rejects.toThrow(
      'tasks/mail.drop.handler.ts must export default defineHandler(…) of mail.drop',
    );
  });

  test('a file that exports no definition, or several; each is named', async () => {
    const message = await refusal({
      'errand.config.ts': CONFIG,
      'tasks/a.task.ts': 'export const nothing = 1;',
      'tasks/a.handler.ts': '',
      'tasks/b.task.ts': `${definition('b.one')}\n${definition('b.two').split('\n').slice(2).join('\n').replace('const task', 'const other')}`,
      'tasks/b.handler.ts': '',
    });
    expect(message).toBe(
      'tasks/a.task.ts exports no definition: export const name = defineTask({ … })\n' +
        'tasks/b.task.ts exports several definitions (b.one, b.two): put each into its own file',
    );
  });

  test('a file that throws, with its line', async () => {
    const message = await refusal({
      'errand.config.ts': CONFIG,
      'tasks/a.task.ts': `const one = 1;\n\nthrow new Error('boo');`,
      'tasks/a.handler.ts': '',
    });
    expect(message).toMatch(/^tasks\/a\.task\.ts cannot be loaded: boo\n {2}at tasks\/a\.task\.ts:3:\d+$/);
  });

  test('wrong keys of the configuration, each by its name', async () => {
    const config = `export default { tasks: [], shiped: ['http.request'], shipped: ['example.echo'] };`;
    expect(await refusal({ 'errand.config.ts': config })).toBe(
      [
        'errand.config.ts is not valid:',
        '  tasks: must name at least one folder, for example ./tasks',
        '  shipped.0: must be one of example.*, http.request, ci.build',
        '  shiped: is unknown',
        `It must export default defineConfig({ tasks: ['./tasks'] }).`,
      ].join('\n'),
    );
    expect(await refusal({ 'errand.config.ts': 'export const x = 1;' })).toContain('the default export:');
  });

  test('a folder that does not exist, and two configuration files', async () => {
    const missing = await refusal({ 'errand.config.ts': CONFIG });
    expect(missing).toMatch(
      /^tasks: the folder \.\/tasks does not exist in .*\. Create it, or correct the name$/,
    );
    const both = await refusal({ 'errand.config.ts': CONFIG, 'errand.config.mjs': 'x' });
    expect(both).toMatch(/ has .*errand\.config\.ts and .*errand\.config\.mjs: remove one$/);
  });

  test('a list that lacks the handler of a definition', async () => {
    const message = await refusal({
      'errand.config.ts': `import { task } from './mine.ts';
export default { tasks: { definitions: [task], handlers: {} } };`,
      'mine.ts': definition('mail.send'),
    });
    expect(message).toMatch(
      /^tasks\.handlers has no handler of mail\.send \(.*mine\.ts\): add one for each$/,
    );
  });
});
