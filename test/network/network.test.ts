// Containers on networks, on a host of the test's own: see own-host.ts.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import type { Test } from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import { renameContainer } from '../../src/containerizer/container/rename.js';
import { createNetwork } from '../../src/containerizer/network/create.js';
import { parsePorts } from '../../src/containerizer/network/port-spec.js';
import { findNetwork, listNetworks } from '../../src/containerizer/network/store.js';
import { native } from '../../src/native/index.js';
import { places } from '../../src/state/roots.js';
import { until } from '../fixtures/until.js';
import { attachment, attempt, end, get, open, plain, server, wget } from './network-stage.js';
import { connectOutside, onOwnHost } from './own-host.js';

await onOwnHost(import.meta.url, {
  'the default network and published ports': published,
  'networks by name': byName,
});

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
  const routes = readFileSync('/proc/sys/net/ipv6/conf/wire0/accept_ra', 'utf8').trim();
  t.equal(routes, '2', 'the host forwards now, and must not lose routes that it is told of by routers');
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
  t.equal(
    await attempt(8080, '::1'),
    'ECONNREFUSED',
    'refused at once on ::1, so that localhost finds 127.0.0.1',
  );
  t.equal(await get('http://localhost:8080/'), 'web');

  // A packet that is dropped never tells: that takes the time it is given.
  const from = (url: string, seconds = 20) =>
    outside.run('timeout', String(seconds), 'busybox', ...wget(url))?.trim();
  t.equal(from(`http://${outside.here.ipv4}:8080/`), 'web', 'from outside');
  t.equal(from(`http://[${outside.here.ipv6}]:8080/`), 'web');
  t.equal(
    from(`http://${outside.here.ipv4}:8081/`, 1),
    undefined,
    'what is published on 127.0.0.1 is for the host alone',
  );
  outside.run('ip', 'route', 'add', '10.0.0.0/8', 'via', outside.here.ipv4);
  t.equal(from(`http://${ipv4}/`, 1), undefined, 'past the published ports there is no way in');

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

  // A sender that never pauses, from before the container was: the kernel must forget where it led.
  const sender = createSocket('udp4');
  t.teardown(() => void sender.close());
  const sending = setInterval(() => sender.send('hello', 5301, '127.0.0.1'), 20);
  const late = await stage.start(['sleep', '1000'], {
    network: 'bridge',
    publish: parsePorts('5301:53/udp'),
  });
  const second = spawn('nsenter', ['--target', String(late.pid), '--net', 'python3', '-c', echo], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [answer] = (await once(sender, 'message')) as [Buffer];
  t.equal(answer.toString(), 'echo hello');
  clearInterval(sending);
  second.kill('SIGKILL');
  await end(late);

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
  const own = createServer().listen(0, '127.0.0.1');
  await once(own, 'listening');
  t.teardown(() => void own.close());
  const { port } = own.address() as AddressInfo;
  const trick = `echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
    ip addr del 127.0.0.1/8 dev lo && ip route add 127.0.0.0/8 via ${gateway4} && echo tricked
    python3 -c 'import socket; socket.create_connection(("127.0.0.1", ${port}), 1); print("connected")'`;
  const tricked = spawnSync('nsenter', ['--target', String(web.pid), '--net', 'sh', '-c', trick], {
    encoding: 'utf8',
  });
  t.equal(tricked.stdout, 'tricked\n');

  // What people see of it.
  t.match(
    stage.berth('port', 'web').stdout,
    /^80\/tcp -> 0\.0\.0\.0:8080\n80\/tcp -> \[::\]:8080\n80\/tcp -> 127\.0\.0\.1:8081\n53\/udp -> /,
  );
  t.match(
    stage.berth('ps', '--interval', '0.05').stdout,
    /8080->80\/tcp, 127\.0\.0\.1:8081->80\/tcp, 5300->53\/udp, /,
  );
  t.equal(native().publishedPorts().length, ports.length);

  // It is in the container's network, and would keep it.
  inside.kill('SIGKILL');
  await end(web);
  t.strictSame(native().publishedPorts(), [], 'taken back by its supervisor');
  t.not(await attempt(8080, '127.0.0.1'), 'connected');
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
  const front = stage.berth('network create', '--label', 'team=web', '--label', 'edge', 'front');
  t.match(front, { status: 0, stdout: 'front\n' });
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
  outside.run('ip', 'route', 'add', '10.0.0.0/8', 'via', outside.here.ipv4);
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
  await renameContainer(roots, findContainer(roots, 'app'), 'app-2');
  t.match(hosts(), new RegExp(`${attachment(stage, app).ipv4}\tapp-2 ${app.id}\n`));
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
  t.match(JSON.parse(stage.berth('network inspect', 'front').stdout), { labels: { team: 'web', edge: '' } });
  t.equal(
    stage.berth('network inspect', '-f', '{{.Labels}} {{.Labels.team}}', 'front').stdout,
    'map[team:web edge:] web\n',
  );
  const listed = ['network ls', '--filter', 'label=team', '--format', '{{.Name}} {{.Labels}}'] as const;
  t.equal(stage.berth(...listed).stdout, 'front team=web,edge=\n');
  t.match(stage.berth('network rm', 'back'), { status: 125, stderr: /network back: db is on it/ });
  // Who shares its network knows the same names, and keeps its addresses taken when it has ended.
  const friend = await stage.start(['sleep', '1000'], { network: { container: 'db' }, name: 'friend' });
  t.equal(stage.berth('exec', 'friend', 'cat', '/etc/hosts').stdout, hosts());
  t.equal(
    stage.berth('exec', 'friend', 'hostname').stdout.trim(),
    findContainer(roots, 'db').document.hostname,
  );
  await end(db, inner);
  const { ipv4: ip } = db.attachment;
  await t.rejects(stage.start(['true'], { network: 'back', ip }), { code: 'ADDRESS_IN_USE' });
  await end(friend);
  await (await stage.start(['true'], { network: 'back', ip })).gone;
  t.equal(stage.berth('network prune', '-f', '--filter', 'until=24h').stdout, '', 'made later');
  t.equal(stage.berth('network prune', '-f').stdout, 'back\nfront\ninner\n');
  t.strictSame(listNetworks(roots), []);
}
