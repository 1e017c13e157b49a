import { fileURLToPath } from 'node:url';
import { listContainers } from '../../src/containerizer/container/catalogue.js';
import { resolveRoots } from '../../src/state/roots.js';
import { makeNodeImage } from '../node/image.js';
import { DemoCluster } from './cluster.js';
import { berth, typed } from './command.js';
import { Narrator, seconds } from './narrator.js';
import { watchFor } from './remains.js';
import { freePort, get } from './web.js';

const project = fileURLToPath(new URL('../../../', import.meta.url));
const layout = 'build/images/node';
const image = 'demo/node';

/**
 * From nothing to a container, into its threads, and back to nothing. Uses the roots that `berth` uses and touches no container
 * but its own; whatever happens, that one is gone at the end. The image stays, for the next time and for trying things.
 */
export async function runDemo(signal: AbortSignal): Promise<void> {
  if (process.geteuid?.() !== 0) {
    throw new Error('containers are started by root, and this is not: run sudo npm start');
  }
  const started = performance.now();
  const tell = new Narrator(10);
  const run = async (...args: string[]) => {
    tell.line(`$ ${typed(args)}`);
    // A launch takes a moment and is never cut off: what it starts is then known, and can be removed.
    const output = await berth(args, (text) => tell.line(text), args[0] === 'run' ? undefined : signal);
    signal.throwIfAborted();
    tell.line(output);
    return output;
  };
  const roots = resolveRoots({});
  const name = freeName(new Set(listContainers(roots).map(({ document }) => document.name)));
  let mayRun = false;
  try {
    await tell.step(`An image from this host's own Node ${process.version}, with no registry`, async () => {
      const made = await makeNodeImage(`${project}${layout}`, signal);
      tell.line(
        `${made ? 'written' : 'still good'}: ${layout}, an OCI layout: Node, its libraries, a small web server`,
      );
    });
    await tell.step('Into the store: digests checked, layers unpacked', () =>
      run('image', 'load', `oci:${layout}:latest`, image),
    );
    const port = await freePort();
    const id = await tell.step(
      "A container, left running; on the host's network, so that its port is reachable here",
      () => {
        mayRun = true;
        return run('run', '--detach', '--name', name, '--network', 'host', '--env', `PORT=${port}`, image);
      },
    );
    const remains = watchFor(roots, id.trim());
    const web = `http://127.0.0.1:${port}`;
    await tell.step('What it sees: process 1 of its own, a user and a host name of its own', async () => {
      tell.line(`GET ${web}/\n${await get(`${web}/`, signal)}`);
    });
    await tell.step('Two of its threads made busy: which ones, and with what?', async () => {
      tell.line(`GET ${web}/busy?seconds=3\n${await get(`${web}/busy?seconds=3`, signal)}`);
      await run('ps');
      await run('ps', name, '--threads', '--interval', '1');
      tell.line('USR computes, SYS is in system calls, RUNQ waits for a CPU, SLP sleeps.');
    });
    await tell.step('What it wrote', () => run('logs', name));
    await tell.step('Stopped by its stop signal, and removed', async () => {
      await run('stop', name);
      await run('rm', name);
      mayRun = false;
    });
    await tell.step('Is anything left of it?', async () => {
      const left = remains();
      if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
      tell.line('No process, no cgroup, no folder, no mount.');
    });
    await showCluster(tell, run, signal);
  } finally {
    if (mayRun) await clearUp(name);
  }
  process.stdout.write(
    `\nDone in ${seconds(performance.now() - started)}. Now try:\n\n${nextCommands.map((each) => `    ${each}\n`).join('')}\n`,
  );
}

/** The same image as a task of a cluster, from the cluster down to its threads. All of it is in a root of its own. */
async function showCluster(
  tell: Narrator,
  run: (...args: string[]) => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  const cluster = await DemoCluster.plan();
  const of = ['--cluster', '--master', cluster.master];
  try {
    await tell.step('A cluster of this host alone: a master, and an agent that registers', async () => {
      tell.line(`$ ${cluster.commandLine}`);
      tell.line(await cluster.start(signal));
    });
    await tell.step(
      'A framework launches the image as a task; from the cluster down to its threads',
      async () => {
        // What a framework names is looked for in the agent's store, or a registry.
        await run('image', 'load', ...cluster.roots, `oci:${project}${layout}:latest`, image);
        tell.line(await cluster.launch(image, signal));
        await run('ps', ...of);
        await run('ps', 'web', ...of, '--threads', '--interval', '1');
      },
    );
  } finally {
    await cluster.end();
  }
}

/** What to try after the demo; each works as it stands. */
export const nextCommands: readonly string[] = [
  typed(['run', '--rm', '--memory', '256m', image, '-p', 'os.hostname() + " " + process.pid']),
  typed(['run', '--rm', '--network', 'none', image, '-p', 'Object.keys(os.networkInterfaces())']),
  'bin/berth doctor',
];

function freeName(taken: ReadonlySet<string>): string {
  for (let i = 1; ; i++) {
    const name = i === 1 ? 'demo-web' : `demo-web-${i}`;
    if (!taken.has(name)) return name;
  }
}

/** After a failure or Ctrl-C. The launch itself may have failed: then there is nothing to remove. */
async function clearUp(name: string): Promise<void> {
  const own = listContainers(resolveRoots({})).find(({ document }) => document.name === name);
  if (own !== undefined) await berth(['rm', '--force', own.document.id], () => {});
}
