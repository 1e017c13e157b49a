// Containers on networks, on a host of the test's own: see own-host.ts.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { readContainer } from '../../src/containerizer/container/catalogue.js';
import type { RunningContainer } from '../../src/containerizer/container/launch.js';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import { removeNetwork } from '../../src/containerizer/container/remove-network.js';
import { collectGarbage } from '../../src/containerizer/garbage/collect.js';
import { readInterfaceCounters } from '../../src/containerizer/network/counters.js';
import { createNetwork, type NetworkOptions } from '../../src/containerizer/network/create.js';
import type { Attachment } from '../../src/containerizer/network/document.js';
import { parsePorts } from '../../src/containerizer/network/port-spec.js';
import { findNetwork, listNetworks } from '../../src/containerizer/network/store.js';
import { native } from '../../src/native/index.js';
import { places, rootHash } from '../../src/state/roots.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { connectOutside, inOwnNamespace, lackOfNetworks, rerunInOwnNamespace, until } from './own-host.js';

if (!inOwnNamespace) {
  t.test('networks', unlessRoot, (t) => rerunInOwnNamespace(t, fileURLToPath(import.meta.url)));
} else {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const lack = lackOfNetworks();
  const needs = lack === undefined ? {} : { skip: lack };
  t.test('the default network and published ports', needs, published);
  t.test('networks by name', needs, byName);
  t.test('claims', needs, claims);
  t.test('names that resolve', needs, names);
  t.test('after kill -9, and after others took what is ours', needs, healing);
}

/** A stage whose networks are gone after the test, which is checked. */
async function open(t: Test): Promise<Stage> {
  t.teardown(() => {
    const links = native()
      .hostNetworks()
      .interfaces.filter(({ name }) => name.startsWith('berth'));
    if (links.length > 0) throw new Error(`left behind: ${JSON.stringify(links)}`);
  });
  const stage = await Stage.open(t);
  t.teardown(async () => {
    for (const { name } of listNetworks(stage.roots)) await removeNetwork(stage.roots, name);
  });
  return stage;
}

const plain: NetworkOptions = { subnets: [], gateways: [], ipv6: false, internal: false };

function attachment({ roots }: Stage, { id }: RunningContainer): Attachment {
  const found = readContainer(roots, id)?.document.attachment;
  if (!found) throw new Error(`${id} is on no network`);
  return found;
}

const serve = 'mkdir /w && hostname > /w/index.html && exec httpd -f -p [::]:80 -h /w';

/** A container that serves its name over HTTP, once it does. */
async function server(
  stage: Stage,
  options: Partial<ContainerOptions>,
): Promise<RunningContainer & { attachment: Attachment }> {
  const container = await stage.start(['sh', '-c', serve], options);
  const own = attachment(stage, container);
  await until(() => get(`http://${own.ipv4}/`).then((text) => text !== undefined));
  return { ...container, attachment: own };
}

/** What is served there to this host; undefined: nobody answers. */
async function get(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
    return (await response.text()).trim();
  } catch {
    return undefined;
  }
}

/** Does a connection come about? A packet that is dropped never tells: that takes this long. */
async function connects(port: number, host: string): Promise<boolean> {
  const socket = connect({ port, host, timeout: 1000 });
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('timeout', () => resolve(false));
    });
  } finally {
    socket.destroy();
  }
}

async function end(...containers: RunningContainer[]): Promise<void> {
  for (const container of containers) container.signal(9);
  for (const container of containers) await container.gone;
}

const wget = (url: string) => ['wget', '-qO-', url];

async function published(t: Test): Promise<void> {
  const stage = await open(t);
  const outside = await connectOutside(t);
  const publish = ['8080:80', '127.0.0.1:8081:80', '5300:53/udp', '80'].flatMap(parsePorts);
  const web = await server(stage, {
    network: 'bridge',
    publish,
    hostname: 'web',
    remove: false,
    name: 'web',
  });
  const { ipv4, ipv6, gateway4, bridge, ports } = web.attachment;
  const random = ports.find(
    ({ host_ip, container_port, host_port }) =>
      host_ip === '0.0.0.0' && container_port === 80 && host_port !== 8080,
  )?.host_port;

  for (const place of [
    '127.0.0.1:8080',
    '127.0.0.1:8081',
    `${outside.here.ipv4}:8080`,
    `[${outside.here.ipv6}]:8080`,
    `127.0.0.1:${random}`,
    `[${ipv6}]`,
  ]) {
    t.equal(await get(`http://${place}/`), 'web', `from the host: ${place}`);
  }
  t.notOk(await connects(8080, '::1'), 'refused at once on ::1, so that localhost finds 127.0.0.1');
  t.equal(await get('http://localhost:8080/'), 'web');

  const from = (url: string) => outside.run('timeout', '1', 'busybox', ...wget(url))?.trim();
  t.equal(from(`http://${outside.here.ipv4}:8080/`), 'web', 'from outside');
  t.equal(from(`http://[${outside.here.ipv6}]:8080/`), 'web');
  t.equal(
    from(`http://${outside.here.ipv4}:8081/`),
    undefined,
    'what is published on 127.0.0.1 is for the host alone',
  );
  outside.run('ip', 'route', 'add', '10.0.0.0/8', 'via', outside.here.ipv4);
  t.equal(from(`http://${ipv4}/`), undefined, 'past the published ports there is no way in');

  // UDP, both ways; the server is a program of the host in the container's network.
  const echo = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 53)); print("ready", flush=True)
while True: d, a = s.recvfrom(99); s.sendto(b"echo " + d, a)`;
  const inside = spawn('nsenter', ['--target', String(web.pid), '--net', 'python3', '-c', echo], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => void inside.kill('SIGKILL'));
  await once(inside.stdout, 'data');
  t.equal(await ask('127.0.0.1', 5300), 'echo hello');
  const question = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10); s.sendto(b"out", ("${outside.here.ipv4}", 5300)); print(s.recv(99).decode())`;
  t.equal(outside.run('python3', '-c', question)?.trim(), 'echo out');

  // Out of the network, and back in through the host.
  const asks = `import http.server
class H(http.server.BaseHTTPRequestHandler):
  def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(self.client_address[0].encode())
  def log_message(self, *a): pass
print("ready", flush=True); http.server.HTTPServer(("", 7000), H).serve_forever()`;
  const peer = outside.spawn('python3', '-uc', asks);
  await once(peer.stdout ?? peer, 'data');
  const other = (url: string) =>
    stage.run(wget(url), { network: 'bridge' }).then(({ stdout }) => stdout.trim());
  t.equal(
    await retried(() => other(`http://${outside.there.ipv4}:7000/`)),
    outside.here.ipv4,
    'with an address of the host',
  );
  t.equal(await other(`http://${ipv4}/`), 'web', 'a neighbour');
  t.equal(await other(`http://${gateway4}:8080/`), 'web', 'a neighbour, by its published port');
  t.equal((await stage.sh(`wget -qO- http://${gateway4}:8080/`, { network: 'bridge' })).trim(), 'web');

  // Published ports have made 127.0.0.1 an address that packets may be sent to: not by containers.
  const secret = createServer((socket) => socket.end('secret\n')).listen(0, '127.0.0.1');
  await once(secret, 'listening');
  t.teardown(() => void secret.close());
  const { port } = secret.address() as AddressInfo;
  const trick = `echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
    ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via ${gateway4}
    timeout 1 busybox wget -qO- http://127.0.0.1:${port}/`;
  const tricked = spawnSync('nsenter', ['--target', String(web.pid), '--net', 'sh', '-c', trick], {
    encoding: 'utf8',
  });
  t.notMatch(tricked.stdout, /secret/);

  // What people see of it.
  t.match(
    stage.berth('port', 'web').stdout,
    /^80\/tcp -> 0\.0\.0\.0:8080\n80\/tcp -> \[::\]:8080\n80\/tcp -> 127\.0\.0\.1:8081\n53\/udp -> /,
  );
  const counted = readInterfaceCounters(web.pid);
  t.match(counted, [{ interface: 'eth0' }]);
  t.ok((counted[0]?.received_bytes ?? 0) > 500 && (counted[0]?.sent_packets ?? 0) > 5);
  t.equal(native().publishedPorts().length, ports.length);

  // It is in the container's network, and would keep it.
  inside.kill('SIGKILL');
  await end(web);
  t.strictSame(native().publishedPorts(), [], 'taken back by its supervisor');
  t.notOk(await connects(8080, '127.0.0.1'));
  await until(() =>
    native()
      .hostNetworks()
      .interfaces.every(({ kind, name }) => kind !== 'veth' || name === 'wire0'),
  );
  t.ok(
    native()
      .hostNetworks()
      .interfaces.some(({ name }) => name === bridge),
    'the bridge stays for the next',
  );
}

/** The answer to a datagram. Datagrams may be lost: it is sent until there is one. */
async function ask(host: string, port: number): Promise<string> {
  const socket = createSocket('udp4');
  const timer = setInterval(() => socket.send('hello', port, host), 200);
  try {
    const [answer] = (await once(socket, 'message')) as [Buffer];
    return answer.toString();
  } finally {
    clearInterval(timer);
    socket.close();
  }
}

async function retried(attempt: () => Promise<string>): Promise<string> {
  let answer = '';
  await until(async () => {
    answer = await attempt();
    return answer !== '';
  });
  return answer;
}

async function byName(t: Test): Promise<void> {
  const stage = await open(t);
  const { roots } = stage;
  const outside = await connectOutside(t);
  await createNetwork(roots, 'back', { ...plain, ipv6: true });
  await createNetwork(roots, 'front', plain);
  await createNetwork(roots, 'inner', { ...plain, internal: true });
  const db = await server(stage, { network: 'back', name: 'db', networkAliases: ['store'], hostname: 'db' });
  const inner = await server(stage, { network: 'inner', name: 'inner', hostname: 'inner' });

  const shell = (script: string, options: Partial<ContainerOptions>) =>
    stage.sh(script, { capAdd: ['NET_RAW'], ...options });
  t.equal(
    await shell('wget -qO- http://db/; ping -c1 store >/dev/null && ping6 -c1 db >/dev/null && echo pings', {
      network: 'back',
    }),
    'db\npings',
  );
  t.match(
    await shell(`wget -qO- http://${db.attachment.ipv4}/ & sleep 1; kill $! && echo silence`, {
      network: 'front',
    }),
    /silence/,
    'another network',
  );
  t.match(await shell('wget -qO- http://db/', { network: 'front', dns: ['127.0.0.1'] }), /bad address/);
  t.equal(
    await shell('ip route | grep -c default; wget -qO- http://inner/', { network: 'inner' }),
    '0\ninner',
  );
  const leave = `ip route add default via ${findNetwork(roots, 'inner').gateway} && ping -c1 -W1 ${outside.there.ipv4} >/dev/null || echo no way out`;
  t.equal(await shell(leave, { network: 'inner', capAdd: ['NET_RAW', 'NET_ADMIN'] }), 'no way out');
  t.match(await shell(`ping -c1 -W5 ${outside.there.ipv4}`, { network: 'front' }), /1 packets received/);
  await t.rejects(stage.start(['true'], { network: 'inner', publish: parsePorts('80') }), {
    code: 'USAGE',
    message: /internal/,
  });

  // Who comes and goes is told to those who are there.
  const hosts = () => readFileSync(path.join(places.ownFiles(roots, db.id), 'hosts'), 'utf8');
  const app = await stage.start(['sleep', '1000'], { network: 'back', name: 'app' });
  t.match(hosts(), new RegExp(`${attachment(stage, app).ipv4}\tapp ${app.id}\n`));
  t.notMatch(hosts(), /inner/);
  writeFileSync(path.join(places.ownFiles(roots, db.id), 'hosts'), `${hosts()}192.0.2.9 mine\n`);
  await end(app);
  t.notMatch(hosts(), /app/);
  t.match(hosts(), /192\.0\.2\.9 mine\n/, "the container's own lines stay");

  const shown = JSON.parse(stage.berth('network inspect', 'back', '--json').stdout) as Record<
    string,
    unknown
  >;
  t.match(shown, {
    name: 'back',
    up: true,
    containers: [{ name: 'db', ipv4: db.attachment.ipv4, ipv6: db.attachment.ipv6 }],
  });
  t.ok(
    (shown.settings as { needed: string; value: string }[]).every(({ needed, value }) => needed === value),
  );
  t.match(stage.berth('network ls').stdout, /back +10\.\d+\.0\.0\/16 +fd[0-9a-f:]+::\/64 +no +1 +berth-/);
  t.match(stage.berth('network rm', 'back'), { status: 125, stderr: /network back: db is on it/ });
  await end(db, inner);
  t.equal(stage.berth('network prune').stdout, 'back\nfront\ninner\n');
  t.strictSame(listNetworks(roots), []);
}

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
    { network: 'small', publishAll: true },
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
  const address = readContainer(roots, lost)?.document.attachment?.ipv4 ?? '';
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
  t.notOk(await connects(8090, '127.0.0.1'));
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
