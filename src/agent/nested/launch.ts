import { readContainer } from '../../containerizer/container/catalogue.js';
import { launchContainer } from '../../containerizer/container/launch.js';
import type { ContainerOptions } from '../../containerizer/container/options.js';
import { provideImage } from '../../containerizer/image/provide.js';
import type { CommandInfo, ContainerInfo } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import { boundToHost } from '../container/host-capabilities.js';
import { type LiveContainer, launched } from '../container/live-container.js';
import { planContainer } from '../container/plan.js';
import { sandboxPlace, unfit } from '../container/workload.js';
import { ownerOf } from '../sandbox/owner.js';
import { sandboxFolder } from '../sandbox/place.js';
import { containerFacts } from '../task/container-facts.js';
import { HeldFolder } from './folder.js';
import type { Nested } from './nested.js';
import type { NestedRecord } from './record.js';

export interface NestedWorkload {
  command: CommandInfo;
  container: ContainerInfo | undefined;
  /** Of the framework: whose it is where nothing else says so. */
  user: string;
}

/** Starts a container in the control groups of its parent, on its network, with a sandbox below its sandbox. Undefined: it was to end before its program ran. */
export async function launchNested(
  agent: Agent,
  nested: Nested,
  { command, container, user }: NestedWorkload,
): Promise<LiveContainer | undefined> {
  const { roots, config } = agent;
  const { record } = nested;
  const { frameworkId, executorId } = record.place;
  if (container?.type === 'DOCKER') throw unfit('container', 'one below another is of type MESOS');
  const root = sandboxFolder(config.sandboxes, record.place);
  const sandbox = [root, ...record.folders].join('/');
  const parentSandbox = [root, ...record.folders.slice(0, -2)].join('/');
  const facts = containerFacts(
    agent,
    { id: record.name.value, frameworkId, executorId, containerId: record.name.value },
    sandbox,
  );
  const { MESOS_TASK_ID: _, ...variables } = facts.variables;
  const plan = planContainer(
    { command, container, resources: [], user },
    { ...facts, variables, parentSandbox },
  );
  const image = await provideImage(roots, plan.image.reference, { pull: plan.image.pull });
  plan.options.workingDirectory ??= image.config.config?.WorkingDir || sandboxPlace;
  const options = within(record, container, plan.options, agent);
  const asUser = options.user ?? image.config.config?.User ?? '';
  const layers = image.tree === undefined ? image.layers : [...image.layers, image.tree];
  // The launch says that there is no such user.
  const owner = ownerOf(asUser, layers) ?? { uid: 0, gid: 0 };
  const own = HeldFolder.make(root, record.folders);
  try {
    if (!own.isNew) throw unfit(`sandbox ${record.folders.join('/')}`, 'there is something of that name');
    nested.ownsFolder = true;
    own.give(owner);
    for (const folder of plan.folders) {
      const made = HeldFolder.make(root, folder.slice(root.length + 1).split('/'));
      if (made.isNew) made.give(owner);
      made.close();
    }
    const { uris = [] } = command;
    if (uris.length > 0)
      await agent.fetcher.fetch({ folder: own.path, owner, user: asUser === '' ? user : asUser, uris });
  } finally {
    own.close();
  }
  // Whoever comes after a crash of this agent must know what to look for.
  await agent.durable();
  if (nested.doomed || agent.closed) return undefined;
  return launched(
    await launchContainer(roots, {
      image: { ...image, reference: plan.image.reference },
      options,
      client: null,
      id: record.container_id,
      transient: true,
      onWarning: (text) => agent.note(`container ${record.name.value}: ${text}`),
    }),
  );
}

/** What it has of its parent: the network and what it may use always, its processes if it asks for them. */
function within(
  { parent, place, name }: NestedRecord,
  container: ContainerInfo | undefined,
  options: ContainerOptions,
  { roots, config }: Agent,
): ContainerOptions {
  const document = readContainer(roots, parent)?.document;
  if (document === undefined) throw unfit('container_id.parent', 'it has ended');
  if (options.network !== 'host' || options.publish.length > 0)
    throw unfit('network_infos', 'a container below another is on its network');
  const { hostname, ...rest } = options;
  const peer = { container: parent };
  const { share_pid_namespace: sharesProcesses, ipc_mode } = container?.linux_info ?? {};
  if (ipc_mode === 'SHARE_PARENT')
    throw unfit('linux_info.ipc_mode', 'the parent’s shared memory is its own');
  const onHosts = document.network === 'host';
  const nested: ContainerOptions = {
    ...rest,
    cgroupOf: parent,
    ...(onHosts ? hostname !== undefined && { hostname } : { network: peer }),
    ...(sharesProcesses === true && { pid: peer }),
    labels: {
      ...rest.labels,
      'org.berth.framework-id': place.frameworkId,
      'org.berth.nested': name.value,
    },
  };
  // Who shares a namespace with the parent has its ids.
  const joins = !onHosts || sharesProcesses === true;
  return joins && document.first_id === null ? boundToHost(nested, config.hostCapabilities) : nested;
}
