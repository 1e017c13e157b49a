import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { launchContainer } from '../../containerizer/container/launch.js';
import { type ContainerOptions, defaultOptions } from '../../containerizer/container/options.js';
import { provideImage } from '../../containerizer/image/provide.js';
import { supervisorProgram } from '../../native/index.js';
import type { Agent } from '../agent.js';
import { limitsOf } from '../container/limits.js';
import { type LiveContainer, launched } from '../container/live-container.js';
import { networkOf } from '../container/networks.js';
import type { Executor } from '../executor/executor.js';

/** The program that holds namespaces for others, in an otherwise empty root file system. */
const program = '/pause';

/**
 * Starts the container of a default executor. What runs in it does nothing: the agent itself watches the tasks, and the container is there for the network and the namespaces that they share.
 * `hostIds`: a task among them has the host's ids, and so have all then that share a namespace with it.
 */
export async function launchHolder(
  agent: Agent,
  executor: Executor,
  hostIds: boolean,
): Promise<LiveContainer | undefined> {
  const { roots, config } = agent;
  const { container, resources = [] } = executor.record.info;
  const network = networkOf(container, groupResources(executor));
  const options: ContainerOptions = {
    ...defaultOptions,
    ...limitsOf(resources, undefined, config.cpuCeiling),
    ...network,
    entrypoint: [program, '--pause'],
    command: [],
    ipc: 'shareable',
    userns: hostIds ? 'host' : 'auto',
    readOnly: true,
    labels: { 'org.berth.framework-id': executor.frameworkId, 'org.berth.executor-id': executor.id },
    ...(container?.hostname !== undefined && { hostname: container.hostname }),
    ...(network.network === 'host' && { hostname: config.hostname }),
  };
  const reference = `dir:${rootFileSystem(config.folder)}`;
  const image = await provideImage(roots, reference, { pull: 'never' });
  await agent.durable();
  if (executor.state !== 'launching') return undefined;
  return launched(
    await launchContainer(roots, {
      image: { ...image, reference },
      options,
      client: null,
      id: executor.containerId,
      transient: true,
      onWarning: (text) => agent.note(`executor ${executor.id}: ${text}`),
    }),
  );
}

/** Ports that lead to a group may be any of its tasks'. */
function groupResources({ record, tasks }: Executor) {
  return [record.info.resources ?? [], ...[...tasks].map(({ info }) => info.resources ?? [])].flat();
}

/** Made anew each time: berth may have been changed. Who runs the old one keeps it. */
function rootFileSystem(folder: string): string {
  const root = path.join(folder, 'pause');
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const making = path.join(folder, 'pause.new');
  copyFileSync(supervisorProgram, making);
  renameSync(making, path.join(root, program));
  return root;
}
