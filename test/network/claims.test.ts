// Addresses, ports and names of containers, and what becomes of them when things go wrong, on a host of the test's own: see own-host.ts.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import type { Test } from 'tap';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import { collectGarbage } from '../../src/containerizer/garbage/collect.js';
import { createNetwork, type NetworkOptions } from '../../src/containerizer/network/create.js';
import { parsePorts } from '../../src/containerizer/network/port-spec.js';
import { listNetworks } from '../../src/containerizer/network/store.js';
import { native } from '../../src/native/index.js';
import { places, rootHash } from '../../src/state/roots.js';
import { until } from '../fixtures/until.js';
import { attachment, attempt, end, get, open, plain, server } from './network-stage.js';
import { onOwnHost } from './own-host.js';

await onOwnHost(import.meta.url, {
  claims,
  'names that resolve': names,
  'after kill -9, and after others took what is ours': healing,
});

async function claims(t: Test): Promise<void> {
  const stage = await open(t);
  const { roots } = stage;
  await createNetwork(roots, 'small', {
    ...plain,
    subnets: ['10.201.0.0/24', 'fd00:201::/64'],
    gateways: ['10.201.0.9'],
    ipRange: '10.201.0.8/30',
  });
  const sleeper = (options: Partial<ContainerOptions>) =>
    stage.start(['sleep', '1000'], { network: 'small', ...options });

  const first = await sleeper({
    ip: '10.201.0.10',
    ip6: 'fd00:201::77',
    macAddress: '02:00:00:00:00:07',
    publish: parsePorts('9000-9002:80'),
  });
  t.match(attachment(stage, first), {
    ipv4: '10.201.0.10',
    ipv6: 'fd00:201::77',
    mac: '02:00:00:00:00:07',
    ports: [{ host_port: 9000 }, { host_port: 9000 }],
  });
  const second = await sleeper({ publish: parsePorts('9000-9002:80') });
  t.equal(attachment(stage, second).ports[0]?.host_port, 9001, 'the first of a range that is free');
  t.match(attachment(stage, second).ipv4, /^10\.201\.0\.(8|11)$/);
  const third = await sleeper({});
  await t.rejects(sleeper({}), {
    code: 'ADDRESS_IN_USE',
    message: /every address of 10\.201\.0\.8\/30 is taken/,
  });

  const busy = createServer().listen(0, '0.0.0.0');
  await once(busy, 'listening');
  t.teardown(() => void busy.close());
  const { port } = busy.address() as AddressInfo;
  const refused: [Partial<ContainerOptions>, RegExp][] = [
    [{ ip: '10.201.0.10' }, /address 10\.201\.0\.10: another container has it/],
    [{ ip: '10.201.0.200', ip6: 'fd00:201::77' }, /ADDRESS|another container has it/],
    [{ ip: '10.201.0.9' }, /the gateway's/],
    [{ ip: '10.201.0.255' }, /everybody/],
    [{ ip: '10.202.0.1' }, /not in 10\.201\.0\.0\/24/],
    [
      { ip: '10.201.0.201', publish: parsePorts(`${port}:80`) },
      new RegExp(`process ${process.pid} .* has it`),
    ],
    [{ ip: '10.201.0.201', publish: parsePorts('9000:80') }, new RegExp(`container ${first.id} has it`)],
    [{ ip: '10.201.0.201', publish: parsePorts('9000-9001:80') }, /all of them are taken/],
    [{ ip: '10.201.0.201', publish: parsePorts('192.0.2.99:80:80') }, /the host has no such address/],
    [{ network: 'nowhere' }, /network nowhere: no network has that name/],
  ];
  for (const [options, message] of refused) await t.rejects(sleeper(options), { message }, String(message));
  const subnets: [Partial<NetworkOptions>, RegExp][] = [
    [{ subnets: ['10.201.0.0/16'] }, /has 10\.201\.0\.0\/24/],
    [{ subnets: ['127.0.0.0/8'] }, /interface lo has/],
    [{ subnets: ['10.203.0.1/16'] }, /bits beyond its prefix/],
    [{ subnets: ['10.203.0.0/31'] }, /8 to 30/],
    [{ subnets: ['10.203.0.0/24', '10.204.0.0/24'] }, /once for IPv4/],
    [{ subnets: ['10.203.0.0/24'], gateways: ['10.204.0.1'] }, /an address in the subnet/],
    [{ subnets: ['10.203.0.0/24'], ipRange: '10.204.0.0/30' }, /a part of the subnet/],
  ];
  for (const [options, message] of subnets)
    await t.rejects(createNetwork(roots, 'bad', { ...plain, ...options }), { message }, String(message));
  await t.rejects(createNetwork(roots, 'small', plain), { code: 'NAME_IN_USE' });
  await t.rejects(createNetwork(roots, 'host', plain), { code: 'USAGE' });
  t.strictSame(
    listNetworks(roots).map(({ name }) => name),
    ['small'],
  );

  await end(first, second, third);
  await end(await sleeper({ ip: '10.201.0.10', ip6: 'fd00:201::77', publish: parsePorts('9000:80') }));
  t.pass('what was claimed is free when its container has ended');
  t.match(stage.berth('run', '--rm', '--network', 'none', '-p', '80', 'x'), {
    status: 125,
    stderr: /--publish: without a network/,
  });
  t.match(stage.berth('run', '--rm', '-p', '80:80/sctp', 'x'), { status: 125, stderr: /tcp or udp/ });
  const exposed = await stage.start(
    ['sleep', '1000'],
    { network: 'small', publishAll: true, expose: parsePorts('53/udp') },
    stage.configured({ ExposedPorts: { '80/tcp': {}, '53/udp': {} } }),
  );
  t.match(
    attachment(stage, exposed).ports.map(({ container_port, protocol }) => `${container_port}/${protocol}`),
    ['80/tcp', '80/tcp', '53/udp', '53/udp'],
  );
  await end(exposed);
}

async function names(t: Test): Promise<void> {
  const stage = await open(t);
  const { gateway } = await createNetwork(stage.roots, 'net', { ...plain, subnets: ['10.205.0.0/24'] });
  // A name server that knows one answer: 192.0.2.7.
  const resolver = createSocket('udp4', (question, { port, address }) => {
    const asked = question.subarray(12, question.indexOf(0, 12) + 5);
    const isAddress = asked.readUInt16BE(asked.length - 4) === 1;
    const head = Buffer.from([
      ...question.subarray(0, 2),
      0x81,
      0x80,
      0,
      1,
      0,
      isAddress ? 1 : 0,
      0,
      0,
      0,
      0,
    ]);
    const answer = isAddress
      ? Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7])
      : Buffer.alloc(0);
    resolver.send(Buffer.concat([head, asked, answer]), port, address);
  });
  resolver.bind(53, gateway);
  await once(resolver, 'listening');
  t.teardown(() => void resolver.close());

  const options = {
    network: 'net',
    hostname: 'me',
    dns: [gateway],
    dnsSearch: ['example.test'],
    dnsOptions: ['timeout:5'],
    addHosts: [
      { name: 'gate', address: 'host-gateway' },
      { name: 'six', address: 'fd00::6' },
    ],
  };
  const text = await stage.sh(
    'nslookup some.example.test | tail -n +3; cat /etc/resolv.conf /etc/hosts /etc/hostname; echo more >> /etc/hosts && tail -n1 /etc/hosts; ls -ln /etc/hosts',
    options,
  );
  t.match(text, /Address: 192\.0\.2\.7/);
  t.match(text, `nameserver ${gateway}\nsearch example.test\noptions timeout:5\n`);
  t.match(text, /\n10\.205\.0\.\d+\tme\n10\.205\.0\.1\tgate\nfd00::6\tsix\nme\nmore\n-rw-r--r-- +1 0 +0 /);
  t.match(
    await stage.sh('cat /etc/hosts', { addHosts: [{ name: 'a', address: '192.0.2.1' }] }),
    /192\.0\.2\.1\ta$/,
    'on no network, too',
  );
  t.match(
    await stage.sh('cat /etc/hosts /etc/resolv.conf', {
      network: 'host',
      addHosts: [{ name: 'a', address: '192.0.2.1' }],
      dns: ['192.0.2.53'],
    }),
    /192\.0\.2\.1\ta\nnameserver 192\.0\.2\.53/,
  );
  t.match(
    await stage.sh('cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range', {
      network: 'net',
    }),
    /^0\n0\s+65535$/,
  );
}

async function healing(t: Test): Promise<void> {
  const stage = await open(t);
  const { roots } = stage;
  await createNetwork(roots, 'net', plain);
  const publish = parsePorts('8090:80');
  // By the command line: whoever launches in this process also settles.
  const killed = async (name: string, ...flags: string[]) => {
    const { reference } = stage.image;
    const run = stage.berth(
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'net',
      ...flags,
      reference,
      'sleep',
      '1000',
    );
    const id = run.stdout.trim();
    process.kill(readContainer(roots, id)?.process?.supervisor.pid ?? 0, 'SIGKILL');
    await until(() => readContainer(roots, id)?.state === 'lost');
    return id;
  };
  const counts = () => native().publishedPorts().length;

  // Killed, and its end looked at by nobody: whoever gets its port or its address next clears up first.
  const lost = await killed('lost', '-p', '8090:80', '-p', '8092:80');
  const address = readContainer(roots, lost)?.document.attachments[0]?.ipv4 ?? '';
  t.equal(counts(), 2);
  const heir = await server(stage, { network: 'net', publish, hostname: 'heir', name: 'heir' });
  t.equal(await get('http://127.0.0.1:8090/'), 'heir', 'the port');
  const neighbour = await stage.start(['sleep', '1000'], { network: 'net', ip: address });
  t.equal(counts(), 1, 'the address');
  await end(neighbour);

  // The same with an end that is looked at.
  await killed('second', '-p', '8091:80');
  t.equal(counts(), 2);
  t.match(await collectGarbage(roots, { dryRun: true }), [
    { kind: 'container', name: 'lost' },
    { kind: 'container', name: 'second' },
    { kind: 'port', name: '0.0.0.0:8091/tcp', healed: false },
    { kind: 'hosts', name: 'heir' },
  ]);
  t.match(stage.berth('ps', '-a').stdout, /second .* exited/);
  t.equal(counts(), 1);
  t.match(stage.berth('gc').stdout, /^KIND.*\nhosts +healed +heir +its [^\n]*\n$/);

  // What others take from us is put back, and nothing of theirs is touched.
  native().lowerNetwork({ bridge: 'berth-none', internal: false, last: true });
  t.not(await attempt(8090, '127.0.0.1'), 'connected');
  t.match(await collectGarbage(roots, { dryRun: false }), [
    { kind: 'network', name: 'net', healed: true },
    { kind: 'port', name: '0.0.0.0:8090/tcp', healed: true },
  ]);
  t.equal(await get('http://127.0.0.1:8090/'), 'heir');
  const element = {
    hostIp: '0.0.0.0',
    protocol: 'tcp' as const,
    containerIp: '192.0.2.200',
    containerPort: 1,
  };
  native().publishPorts([{ ...element, hostPort: 9999 }], '00000000/abc');
  native().publishPorts([{ ...element, hostPort: 9998 }], `${rootHash(roots)}/abc`);
  t.match(JSON.parse(stage.berth('gc', '--json').stdout), {
    dry_run: false,
    leaks: [{ kind: 'port', name: '0.0.0.0:9998/tcp', healed: true }],
  });
  const left = native().publishedPorts();
  t.strictSame(left.map(({ hostPort }) => hostPort).sort(), [8090, 9999], "another installation's stays");

  rmSync(path.join(places.networks(roots), 'net.json'));
  t.strictSame(await collectGarbage(roots, { dryRun: false }), [], 'a bridge in use is left');
  await end(heir);
  await until(() =>
    native()
      .hostNetworks()
      .interfaces.every(({ kind }) => kind !== 'veth'),
  );
  t.match(await collectGarbage(roots, { dryRun: false }), [{ kind: 'bridge', healed: true }]);
  t.equal(stage.berth('rm', 'lost', 'second').status, 0);
  t.strictSame(await collectGarbage(roots, { dryRun: false }), []);
}
