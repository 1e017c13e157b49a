import { connect } from 'node:net';
import type { Test } from 'tap';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import type { RunningContainer } from '../../src/containerizer/container/launch.js';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import { removeNetwork } from '../../src/containerizer/container/remove-network.js';
import type { NetworkOptions } from '../../src/containerizer/network/create.js';
import type { Attachment } from '../../src/containerizer/network/document.js';
import { listNetworks } from '../../src/containerizer/network/store.js';
import { native } from '../../src/native/index.js';
import { Stage } from '../container/stage.js';
import { until } from '../fixtures/until.js';

/** A stage whose networks are gone after the test, which is checked. */
export async function open(t: Test): Promise<Stage> {
  // The kernel takes a container's interface off when it clears up the network namespace, some time after the last process in it has ended.
  t.teardown(() => until(() => ownLinks().length === 0, `nothing left of ${JSON.stringify(ownLinks())}`));
  const stage = await Stage.open(t);
  t.teardown(async () => {
    for (const { name } of listNetworks(stage.roots)) await removeNetwork(stage.roots, name);
  });
  return stage;
}

const ownLinks = () =>
  native()
    .hostNetworks()
    .interfaces.filter(({ name }) => name.startsWith('berth'));

export const plain: NetworkOptions = { subnets: [], gateways: [], ipv6: false, internal: false };

export function attachment({ roots }: Stage, { id }: RunningContainer): Attachment {
  const found = readContainer(roots, id)?.document.attachments[0];
  if (!found) throw new Error(`${id} is on no network`);
  return found;
}

const serve = 'mkdir /w && hostname > /w/index.html && exec httpd -f -p [::]:80 -h /w';

/** A container that serves its name over HTTP, once it does. */
export async function server(
  stage: Stage,
  options: Partial<ContainerOptions>,
): Promise<RunningContainer & { attachment: Attachment }> {
  const container = await stage.start(['sh', '-c', serve], options);
  const own = attachment(stage, container);
  await until(() => get(`http://${own.ipv4}/`).then((text) => text !== undefined));
  return { ...container, attachment: own };
}

/** What is served there to this host; undefined: nobody answers. */
export async function get(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
    return (await response.text()).trim();
  } catch {
    return undefined;
  }
}

/** What comes of a connection: `connected`, the error's code, or `silence`, which takes a second to be told from slowness. */
export async function attempt(port: number, host: string): Promise<string> {
  const socket = connect({ port, host, timeout: 1000 });
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve('connected'));
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('timeout', () => resolve('silence'));
    });
  } finally {
    socket.destroy();
  }
}

export async function end(...containers: RunningContainer[]): Promise<void> {
  for (const container of containers) container.signal(9);
  for (const container of containers) await container.gone;
}

export const wget = (url: string) => ['wget', '-qO-', url];
