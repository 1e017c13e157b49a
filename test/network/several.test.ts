// Containers on several networks, on a host of the test's own: see own-host.ts.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { tasksOf } from '../../src/agent/inspection/host-tasks.js';
import { findContainer, readContainer } from '../../src/containerizer/container/catalogue.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { removeNetwork } from '../../src/containerizer/container/remove-network.js';
import { collectGarbage } from '../../src/containerizer/garbage/collect.js';
import { createNetwork } from '../../src/containerizer/network/create.js';
import type { AttachmentWish } from '../../src/containerizer/network/document.js';
import { takeUsage } from '../../src/inspect/usage.js';
import { native } from '../../src/native/index.js';
import { places, type Roots } from '../../src/state/roots.js';
import { until } from '../fixtures/until.js';
import { end, get, open, plain, server } from './network-stage.js';
import { onOwnHost } from './own-host.js';

await onOwnHost(import.meta.url, { 'several networks at once': several });

function hostsOf(roots: Roots, id: string): string {
  return readFileSync(path.join(places.ownFiles(roots, id), 'hosts'), 'utf8');
}

async function several(t: Test): Promise<void> {
  const stage = await open(t);
  const { roots } = stage;
  await createNetwork(roots, 'inner', { ...plain, subnets: ['10.210.0.0/24'], internal: true });
  await createNetwork(roots, 'front', { ...plain, subnets: ['10.211.0.0/24'] });
  await createNetwork(roots, 'back', { ...plain, subnets: ['10.212.0.0/24', 'fd00:212::/64'] });
  const { reference } = stage.image;

  const front = await server(stage, { network: 'front', name: 'front-one', hostname: 'front-one' });
  const back = await server(stage, { network: 'back', name: 'back-one', hostname: 'back-one' });
  const flags = [
    ...['--network', 'name=inner,alias=hidden,ip=10.210.0.7'],
    ...['--network', 'front', '--network', 'name=back,alias=b1,alias=b2,ip=10.212.0.7,ip6=fd00:212::7'],
  ];
  const script = 'mkdir /w && hostname > /w/index.html && exec httpd -f -p [::]:80 -h /w';
  const started = stage.berth(
    'run',
    '-d',
    '--name',
    'app',
    '-p',
    '8077:80',
    ...flags,
    reference,
    'sh',
    '-c',
    script,
  );
  t.equal(started.status, 0, started.stderr);
  const id = started.stdout.trim();
  const document = findContainer(roots, 'app').document;
  t.match(document, {
    network: 'inner',
    networks: ['inner', 'front', 'back'],
    attachments: [
      { network: 'inner', interface: 'eth0', ipv4: '10.210.0.7', aliases: ['hidden'], ports: [] },
      { network: 'front', interface: 'eth1', ports: [{ host_port: 8077, container_port: 80 }] },
      { network: 'back', interface: 'eth2', ipv4: '10.212.0.7', ipv6: 'fd00:212::7', ports: [] },
    ],
  });
  const [inside, outside] = document.attachments;
  const exec = (...words: string[]) => stage.berth('exec', 'app', ...words).stdout.trim();
  t.match(exec('ip', 'route'), /^default via 10\.211\.0\.1 dev eth1/, 'the first that leads out');
  t.match(exec('ip', '-6', 'route'), /default via fd00:212::1 dev eth2/, 'of each family');
  t.equal((exec('ip', 'route').match(/default/g) ?? []).length, 1);
  await until(() => get('http://127.0.0.1:8077/').then((text) => text !== undefined));
  t.equal(await get('http://10.212.0.7/'), id.slice(0, 12), 'by each of its addresses');

  const chosen = [
    '--network',
    'front',
    '--network',
    'name=back,gw-priority=1',
    '--add-host',
    'gate:host-gateway',
  ];
  const ways = stage.berth('run', '--rm', ...chosen, reference, 'sh', '-c', 'ip route; grep gate /etc/hosts');
  t.match(ways.stdout, /^default via 10\.212\.0\.1 dev eth1 [\s\S]*\n10\.212\.0\.1\tgate\n$/, 'by priority');

  // Names, in both directions, and only of networks that both are on.
  t.equal(exec('wget', '-qO-', 'http://front-one/'), 'front-one');
  t.equal(exec('wget', '-qO-', 'http://back-one/'), 'back-one');
  t.match(hostsOf(roots, back.id), `10.212.0.7\tapp ${id} b1 b2\n`);
  t.match(hostsOf(roots, front.id), `${outside?.ipv4}\tapp ${id}\n`);
  t.notMatch(hostsOf(roots, front.id), /b1|10\.212|hidden/);
  t.match(hostsOf(roots, id), `${inside?.ipv4}\t`);

  // What people see of it.
  const template = '{{range $name, $n := .NetworkSettings.Networks}}{{$name}} {{$n.IPAddress}} {{end}}';
  const told = stage.berth('inspect', '-f', template, 'app').stdout;
  t.equal(told.trim(), `inner 10.210.0.7 front ${outside?.ipv4} back 10.212.0.7`);
  t.equal(
    stage.berth('ps', '--filter', 'network=back', '--format', '{{.Names}} {{.Networks}}').stdout.trim(),
    'back-one back\napp inner,front,back',
  );
  await t.rejects(removeNetwork(roots, 'back'), { message: /back-one, app are on it/ });
  const counted = async () => {
    const app = tasksOf(roots, () => {}).filter((task) => task.id === id);
    return (await takeUsage(app, 0.01))[0]?.net_received_bytes ?? 0;
  };
  const before = await counted();
  await get(`http://${outside?.ipv4}/?${'x'.repeat(3000)}`);
  const between = await counted();
  await get(`http://10.212.0.7/?${'x'.repeat(3000)}`);
  t.ok(between - before >= 3000 && (await counted()) - between >= 3000, 'all interfaces together');

  // What is claimed is claimed on each, and free again when it has ended.
  const joins = (wish: Partial<AttachmentWish>) =>
    stage.start(['true'], {
      network: 'front',
      furtherNetworks: [{ network: 'back', aliases: [], ...wish }],
    });
  const refused: [Partial<AttachmentWish>, RegExp][] = [
    [{ ip: '10.212.0.7' }, /address 10\.212\.0\.7: another/],
    [{ ip6: 'fd00:212::7' }, /address fd00:212::7: another/],
    [{ ip: '10.211.0.9' }, /10\.211\.0\.9: it is not in 10\.212/],
    [{ network: 'nowhere' }, /network nowhere: no network has that name/],
  ];
  for (const [wish, message] of refused) await t.rejects(joins(wish), { message }, String(message));
  process.kill(readContainer(roots, id)?.process?.supervisor.pid ?? 0, 'SIGKILL');
  await until(() => readContainer(roots, id)?.state === 'lost');
  t.match(await collectGarbage(roots, { dryRun: false }), [
    { kind: 'container', name: 'app', healed: true },
    { kind: 'hosts', healed: true },
    { kind: 'hosts', healed: true },
  ]);
  t.strictSame(native().publishedPorts(), []);
  t.notMatch(hostsOf(roots, back.id) + hostsOf(roots, front.id), /app/);
  await end(await joins({ ip: '10.212.0.7', ip6: 'fd00:212::7', mac: '02:00:00:00:00:09' }));
  t.equal(stage.berth('start', 'app').status, 0, 'what it was on is kept');
  t.match(findContainer(roots, 'app').document.attachments[2], { network: 'back', ipv4: '10.212.0.7' });
  await removeContainer(roots, findContainer(roots, 'app'), { force: true });
  await end(front, back);
}
