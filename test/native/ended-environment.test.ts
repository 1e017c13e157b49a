import { spawnSync } from 'node:child_process';
import t from 'tap';
import { Stage, unlessRoot } from '../container/stage.js';

/**
 * A thread's JavaScript ends, and what it follows goes on: what a supervisor says from then on must reach nobody. Node deletes what would be called together with the
 * environment, and a call of it then ended the process.
 */
t.test('a supervisor outlives the JavaScript that followed it', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const url = (file: string) => new URL(file, import.meta.url).href;
  const launching = `
    const { parentPort, Worker } = await import('node:worker_threads');
    const { once } = await import('node:events');
    const { launchContainer } = await import('${url('../../src/containerizer/container/launch.js')}');
    const { defaultOptions } = await import('${url('../../src/containerizer/container/options.js')}');
    const { provideImage } = await import('${url('../../src/containerizer/image/provide.js')}');
    const roots = ${JSON.stringify(stage.roots)};
    const image = await provideImage(roots, ${JSON.stringify(stage.image.reference)});
    const launch = (...command) => launchContainer(roots, {
      image, options: { ...defaultOptions, command, remove: true }, client: null,
    });`;
  const thread = `${launching}
    const { pid, release } = await launch('sleep', '1000');
    release();
    parentPort.postMessage(pid);`;
  const script = `${launching}
    const worker = new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(thread)}`)}), { trackUnmanagedFds: false });
    const left = once(worker, 'exit');
    const [pid] = await once(worker, 'message');
    await left;
    process.kill(pid, 'SIGKILL');
    // One thread listens to all supervisors: it has dealt with the first once it tells of one that it heard later.
    const { existsSync } = await import('node:fs');
    while (existsSync('/proc/' + pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    for (let i = 0; i < 3; i++) await (await launch('true')).gone;
    console.log('whole');`;
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  t.strictSame(
    { status, signal, stdout, stderr },
    { status: 0, signal: null, stdout: 'whole\n', stderr: '' },
  );
});
