// Tasks on networks of berth's, on a host of the test's own: see own-host.ts.
import type { Test } from 'tap';
import { networkOf } from '../../src/agent/container/networks.js';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import { createNetwork } from '../../src/containerizer/network/create.js';
import type { ContainerInfo, NetworkInfo, Resource } from '../../src/mesos/messages.js';
import { until } from '../fixtures/until.js';
import { get, open, plain } from '../network/network-stage.js';
import { onOwnHost } from '../network/own-host.js';
import { StagedCluster, small } from './staged-cluster.js';

await onOwnHost(import.meta.url, {
  'several of a task': several,
  'of a group, with a port that leads in': grouped,
  'what cannot be had is refused': refused,
});

function port(number: number): Resource {
  return { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: number, end: number }] } };
}

async function several(t: Test): Promise<void> {
  const stage = await open(t);
  const { roots } = stage;
  await createNetwork(roots, 'front', { ...plain, subnets: ['10.211.0.0/24'] });
  await createNetwork(roots, 'back', { ...plain, subnets: ['10.212.0.0/24', 'fd00:212::/64'] });
  const cluster = await StagedCluster.open(t, stage);
  const container: ContainerInfo = {
    type: 'MESOS',
    mesos: { image: { type: 'DOCKER', docker: { name: stage.image.reference } } },
    network_infos: [
      { name: 'front', port_mappings: [{ host_port: 31_001, container_port: 80 }] },
      { name: 'back', ip_addresses: [{ ip_address: '10.212.0.9' }, { protocol: 'IPv6' }] },
    ],
  };
  await cluster.launch({
    name: 'web',
    container,
    command: { value: 'mkdir /w && hostname -i > /w/index.html && exec httpd -f -p [::]:80 -h /w' },
    resources: [...small, port(31_001)],
  });
  const { container_status } = await cluster.reaches('web', 'TASK_RUNNING');
  const [front, back] =
    readContainer(roots, container_status?.container_id?.value ?? '')?.document.attachments ?? [];
  t.match([front?.network, back?.network, back?.ipv4], ['front', 'back', '10.212.0.9']);
  t.strictSame(container_status?.network_infos, [
    { name: 'front', ip_addresses: [{ protocol: 'IPv4', ip_address: front?.ipv4 }] },
    {
      name: 'back',
      ip_addresses: [
        { protocol: 'IPv4', ip_address: '10.212.0.9' },
        { protocol: 'IPv6', ip_address: back?.ipv6 },
      ],
    },
  ]);
  for (const url of ['127.0.0.1:31001', '10.212.0.9', front?.ipv4])
    await until(async () => (await get(`http://${url}/`)) !== undefined, `${url} answers`);
  await cluster.kill('web');
  await cluster.reaches('web', 'TASK_KILLED');
  await until(() => cluster.agent.tasks.size === 0);
  await cluster.stop();
}

async function grouped(t: Test): Promise<void> {
  const stage = await open(t);
  const cluster = await StagedCluster.open(t, stage);
  const mapped = { name: 'bridge', port_mappings: [{ host_port: 31_002, container_port: 80 }] };
  const serve = 'mkdir /w && echo here > /w/index.html && exec httpd -f -p [::]:80 -h /w';
  await cluster.accept(({ agent_id }) => ({
    type: 'LAUNCH_GROUP',
    launch_group: {
      executor: {
        executor_id: { value: 'pod' },
        type: 'DEFAULT',
        resources: small,
        container: { type: 'MESOS', network_infos: [mapped] },
      },
      task_group: {
        tasks: [
          {
            ...{ name: 'web', task_id: { value: 'web' }, agent_id },
            resources: [...small, port(31_002)],
            command: { value: serve },
            container: {
              type: 'MESOS',
              mesos: { image: { type: 'DOCKER', docker: { name: stage.image.reference } } },
            },
          },
        ],
      },
    },
  }));
  await cluster.reaches('web', 'TASK_RUNNING');
  await until(async () => (await get('http://127.0.0.1:31002/')) === 'here', 'it answers');
  await cluster.kill('web');
  await cluster.reaches('web', 'TASK_KILLED');
  await until(() => [...cluster.agent.groups.executors()].length === 0 && cluster.agent.tasks.size === 0);
  await cluster.stop();
}

async function refused(t: Test): Promise<void> {
  const on =
    (...network_infos: NetworkInfo[]) =>
    () =>
      networkOf({ type: 'MESOS', network_infos }, []);
  const address = (ip_address: string) => ({ ip_address });
  t.throws(on({ name: 'a' }, { name: 'b' }, { name: 'a' }), { message: /a is named twice/ });
  t.throws(on({ name: 'a' }, {}), { message: /names its network/ });
  t.throws(on({ name: 'a' }, { name: 'host' }), { message: /host is no network beside others/ });
  t.throws(on({}, { name: 'a' }), { message: /host is no network beside others/ });
  t.throws(on({ ip_addresses: [address('10.0.0.1')] }), { message: /no address can be had on host/ });
  t.throws(on({ name: 'a', ip_addresses: [address('here')] }), { message: /here: it is no address/ });
  t.throws(on({ name: 'a', ip_addresses: [address('10.0.0.1'), address('10.0.0.2')] }), {
    message: /one of each family/,
  });
  const many = Array.from({ length: 17 }, (_, i) => ({ name: `n${i}` }));
  t.throws(on(...many), { message: /at most 16 networks/ });
  t.match(on({ name: 'a' }, { name: 'b', ip_addresses: [address('fd00::7')] })(), {
    network: 'a',
    furtherNetworks: [{ network: 'b', ip6: 'fd00::7', aliases: [] }],
  });
}
