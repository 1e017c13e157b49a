// Containers that come to networks and leave them while they run, and while they do not, on a host of the test's own: see own-host.ts.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { connectNetwork } from '../../src/containerizer/container/connect.js';
import { disconnectNetwork } from '../../src/containerizer/container/disconnect.js';
import type { RunningContainer } from '../../src/containerizer/container/launch.js';
import { recordNetworks } from '../../src/containerizer/container/network-record.js';
import { removeContainer } from '../../src/containerizer/container/remove.js';
import { collectGarbage } from '../../src/containerizer/garbage/collect.js';
import { createNetwork } from '../../src/containerizer/network/create.js';
import type { AttachmentWish } from '../../src/containerizer/network/document.js';
import { parsePorts } from '../../src/containerizer/network/port-spec.js';
import { native } from '../../src/native/index.js';
import { places } from '../../src/state/roots.js';
import type { Stage } from '../container/stage.js';
import { until } from '../fixtures/until.js';
import { end, get, open, plain, server } from './network-stage.js';
import { onOwnHost } from './own-host.js';

const publish = parsePorts('8066:80');
const port = 'http://127.0.0.1:8066/';

await onOwnHost(import.meta.url, {
  'network connect and disconnect': connecting,
  'which network is the way out': priorities,
  'when whoever connects is killed': healing,
});

async function networks({ roots }: Stage): Promise<void> {
  await createNetwork(roots, 'one', { ...plain, subnets: ['10.220.0.0/24', 'fd00:220::/64'] });
  await createNetwork(roots, 'two', { ...plain, subnets: ['10.221.0.0/24', 'fd00:221::/64'] });
  await createNetwork(roots, 'inner', { ...plain, subnets: ['10.222.0.0/24'], internal: true });
}

/** What a program of the image prints in the container's network, with its files. */
function within({ pid }: RunningContainer, ...words: string[]): string {
  const command = ['--target', String(pid), '--net', '--mount', '/bin/busybox', ...words];
  return spawnSync('nsenter', command, { encoding: 'utf8' }).stdout.trim();
}

async function connecting(t: Test): Promise<void> {
  const stage = await open(t);
  const { roots } = stage;
  await networks(stage);
  const done = (verb: string, ...args: string[]) => {
    const { status, stdout, stderr } = stage.berth(verb, ...args);
    t.equal(status, 0, `${verb} ${args.join(' ')} ${stderr}`);
    return stdout.trim();
  };
  const inside = (...words: string[]) => within(app, ...words);
  const connect = (network: string, name = 'app', more: Partial<AttachmentWish> = {}) =>
    connectNetwork(roots, findContainer(roots, name), { network, aliases: [], ...more });
  const disconnect = (network: string) => disconnectNetwork(roots, findContainer(roots, 'app'), network);
  const hosts = (id: string) => readFileSync(path.join(places.ownFiles(roots, id), 'hosts'), 'utf8');
  const joins = (network: string, ip: string) => stage.start(['sleep', '1000'], { network, ip });
  const document = () => findContainer(roots, 'app').document;

  const peer = await server(stage, { network: 'two', name: 'peer', hostname: 'peer' });
  const app = await server(stage, { network: 'one', name: 'app', hostname: 'app', publish, remove: false });
  const { ipv4: first } = app.attachment;
  done('network connect', '--ip', '10.221.0.7', '--ip6', 'fd00:221::7', '--alias', 'a1', 'two', 'app');
  t.equal(inside('wget', '-qO-', 'http://peer/'), 'peer', 'its new neighbours, by name');
  t.equal(await get('http://10.221.0.7/'), 'app');
  t.match(hosts(peer.id), `10.221.0.7\tapp ${app.id} a1\nfd00:221::7\tapp ${app.id} a1\n`);
  t.match(
    hosts(app.id),
    /\n10\.220\.0\.\d+\tapp\nfd00:220::\S+\tapp\n10\.221\.0\.7\tapp\nfd00:221::7\tapp\n/,
  );
  t.match(inside('ip', 'route'), /^default via 10\.220\.0\.1 dev eth0/, 'its way out is as it was');
  t.equal(inside('cat', '/proc/sys/net/ipv6/conf/eth1/accept_ra'), '0', 'neighbours are no routers');
  await t.rejects(joins('two', '10.221.0.7'), { code: 'ADDRESS_IN_USE' });
  t.match(JSON.parse(done('inspect', 'app')), {
    networks: ['one', 'two'],
    attachments: [{ network: 'one' }, { network: 'two', interface: 'eth1', aliases: ['a1'] }],
  });

  // Off the first: the way out and published ports are led over the next.
  await disconnect('one');
  t.match(inside('ip', 'route'), /^default via 10\.221\.0\.1 dev eth1/);
  t.match(inside('ip', '-6', 'route'), /default via fd00:221::1 dev eth1/);
  t.notMatch(inside('ip', 'link'), /eth0/);
  t.match(native().publishedPorts(), [{ containerIp: '10.221.0.7' }, { containerIp: 'fd00:221::7' }]);
  t.equal(await get(port), 'app');
  t.notMatch(hosts(app.id), first);
  await end(await joins('one', first));
  t.pass('its address is free');

  // Off the last: nothing leads to it, and what it published stays its own until it has a way out again.
  await disconnect('two');
  t.strictSame(native().publishedPorts(), []);
  t.notMatch(hosts(peer.id), /10\.221\.0\.7|app/);
  t.notMatch(hosts(app.id), /10\.22|peer/);
  await t.rejects(stage.start(['true'], { network: 'one', publish }), { code: 'ADDRESS_IN_USE' });
  await connect('inner');
  t.strictSame(native().publishedPorts(), []);
  await connect('one');
  t.equal(await get(port), 'app');
  t.match(document().attachments, [{ interface: 'eth0' }, { interface: 'eth1' }]);
  t.strictSame(await collectGarbage(roots, { dryRun: true }), [], 'all is as it is on record');
  await end(app);
  t.strictSame(native().publishedPorts(), [], 'its supervisor takes back what was led elsewhere meanwhile');

  // What does not run has it from its next start on.
  await connect('two', 'app', { ip: '10.221.0.9' });
  done('network disconnect', 'inner', 'app');
  t.match(document(), { network: 'one', networks: ['one', 'two'] });
  done('start', 'app');
  t.match(document().attachments, [
    { network: 'one', interface: 'eth0', ports: [{ host_port: 8066 }, {}] },
    { network: 'two', interface: 'eth1', ipv4: '10.221.0.9', ports: [] },
  ]);

  const alone = await stage.start(['sleep', '1000'], { name: 'alone' });
  const bare = await stage.start(['sleep', '1000'], { name: 'bare', network: 'host' });
  const refused: [() => Promise<void>, RegExp][] = [
    [() => connect('nowhere'), /network nowhere: no network has that name/],
    [() => connect('two'), /container app: it is on network two already/],
    [() => connect('inner', 'app', { ip: '10.9.9.9' }), /it is not in 10\.222\.0\.0\/24/],
    [() => connect('two', 'alone'), /it was started without a network/],
    [() => connect('two', 'bare'), /its network is that of the host/],
    [() => disconnect('inner'), /container app: it is not on network inner/],
  ];
  for (const [attempt, message] of refused) await t.rejects(attempt(), { message }, String(message));
  done('network disconnect', '-f', 'inner', 'app');
  done('network disconnect', '-f', 'inner', 'nobody');
  await removeContainer(roots, findContainer(roots, 'app'), { force: true });
  await end(peer, alone, bare);
}

/** The way out, and what is published with it, are led over the highest priority as soon as it is there. */
async function priorities(t: Test): Promise<void> {
  const stage = await open(t);
  const { roots } = stage;
  await networks(stage);
  const done = (verb: string, ...args: string[]) => {
    const { status, stdout, stderr } = stage.berth(verb, ...args);
    t.equal(status, 0, `${verb} ${args.join(' ')} ${stderr}`);
    return stdout.trim();
  };
  const serve = 'mkdir -p /w && echo way > /w/index.html && exec httpd -f -p [::]:80 -h /w';
  await stage.start(['sh', '-c', serve], { network: 'one', name: 'way', publish, remove: false });
  const routes = (...flags: string[]) => done('exec', 'way', 'ip', ...flags, 'route');
  t.match(routes(), /^default via 10\.220\.0\.1 dev eth0/);
  done('network connect', '--gw-priority', '5', '--ip', '10.221.0.9', 'two', 'way');
  t.match(routes(), /^default via 10\.221\.0\.1 dev eth1/);
  t.match(routes('-6'), /default via fd00:221::1 dev eth1/);
  t.equal((`${routes()}${routes('-6')}`.match(/default/g) ?? []).length, 2, 'one of each family');
  t.match(findContainer(roots, 'way').document.attachments, [
    { ports: [] },
    { gateway_priority: 5, ports: [{ host_port: 8066 }, {}] },
  ]);
  t.match(native().publishedPorts(), [{ containerIp: '10.221.0.9' }, {}]);
  await until(() => get(port).then((text) => text === 'way'));
  t.strictSame(await collectGarbage(roots, { dryRun: true }), []);
  done('restart', '-t', '0', 'way');
  t.match(routes(), /^default via 10\.221\.0\.1 dev eth1/, 'after its next start, too');
  done('network disconnect', 'two', 'way');
  t.match(routes(), /^default via 10\.220\.0\.1 dev eth0/);
  await until(() => get(port).then((text) => text === 'way'));
  done('network connect', '--gw-priority', '-1', 'two', 'way');
  t.match(routes(), /^default via 10\.220\.0\.1 dev eth0/, 'a low one changes nothing');
  await removeContainer(roots, findContainer(roots, 'way'), { force: true });
}

async function healing(t: Test): Promise<void> {
  const stage = await open(t);
  const { roots } = stage;
  await networks(stage);
  const app = await server(stage, {
    ...{ network: 'one', name: 'app', hostname: 'app', publish },
    furtherNetworks: [{ network: 'two', aliases: [] }],
  });
  const now = () => findContainer(roots, 'app').document;
  const [one, two] = now().attachments;
  if (one === undefined || two === undefined) throw new Error('it is on two networks');
  const links = () =>
    native()
      .hostNetworks()
      .interfaces.filter(({ kind }) => kind === 'veth')
      .map(({ name }) => name)
      .sort();
  const both = [one.host_interface, two.host_interface].sort();
  t.strictSame(links(), both);

  // On record, and no more than that.
  native().removeInterface(one.host_interface);
  const found = [{ kind: 'interface', name: 'app', detail: /to be on network one/, healed: true }];
  t.match(await collectGarbage(roots, { dryRun: false }), found);
  t.strictSame(links(), both);
  t.equal(await get(port), 'app');
  t.match(within(app, 'ip', 'route'), /^default via 10\.220\.0\.1 dev eth0/);
  t.strictSame(await collectGarbage(roots, { dryRun: false }), []);

  // Off the record, and still there; its ports lead to where it is no more.
  const after = { network: 'two', networks: ['two'], attachments: [{ ...two, ports: one.ports }] };
  recordNetworks(roots, now(), { ...after, holds_network: true }, undefined);
  const leaks = await collectGarbage(roots, { dryRun: false });
  t.match(
    leaks.map(({ kind, healed }) => `${kind} ${healed}`),
    ['interface true', 'port true'],
  );
  t.strictSame(links(), [two.host_interface]);
  t.match(native().publishedPorts(), [{ containerIp: two.ipv4 }, { containerIp: two.ipv6 }]);
  t.match(within(app, 'ip', 'route'), /^default via 10\.221\.0\.1 dev eth1/);
  await until(() => get(port).then((text) => text === 'app'));
  t.strictSame(await collectGarbage(roots, { dryRun: false }), []);
  await end(app);
}
