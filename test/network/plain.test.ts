// What of networks needs no kernel: addresses, ports, files of names.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import t from 'tap';
import { network as networkFlags } from '../../src/cli/run-flags/network.js';
import { readRecord } from '../../src/containerizer/container/container-record.js';
import {
  addressText,
  cidrText,
  contains,
  networkOf,
  overlap,
  parseCidr,
} from '../../src/containerizer/network/cidr.js';
import type { NetworkDocument } from '../../src/containerizer/network/document.js';
import { readTheirs, rewriteInPlace } from '../../src/containerizer/network/in-place.js';
import { hostsFile, resolvConf, withNeighbours } from '../../src/containerizer/network/name-service.js';
import { portWishes } from '../../src/containerizer/network/port-claim.js';
import { exposedPorts, parsePorts } from '../../src/containerizer/network/port-spec.js';
import { type NetworkFilters, selectNetworks } from '../../src/containerizer/network/selection.js';
import { chooseSubnet, chooseSubnet6 } from '../../src/containerizer/network/subnets.js';

t.test('one port of the host cannot lead to two of a container', async (t) => {
  const network = { name: 'one', internal: false, subnet6: null } as NetworkDocument;
  const wishes = (...texts: string[]) => portWishes(texts.flatMap(parsePorts), network);
  t.equal(
    wishes('80', '81', '8080:80', '8081:81', '8080:80/udp', '127.0.0.1:8082:80', '127.0.0.2:8082:81').length,
    7,
  );
  for (const [one, other] of [
    ['8080:80', '8080:81'],
    ['8080:80', '8080:80'],
    ['8080-8081:80-81', '8081:90'],
  ] as const)
    t.throws(() => wishes(one, other), {
      code: 'USAGE',
      message: /^port 808[01]\/tcp: it is to lead to port 8[01] of the container and to port \d+$/,
      mend: 'Publish each port of the host once.',
    });
});

function cidr(text: string) {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

t.test('addresses are read and written as RFC 4291 and 5952 have them', async (t) => {
  const same = [
    '0.0.0.0',
    '10.88.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fd00::a58:2',
    '1::',
    '1:0:1::1',
    '1:2:3:4:5:6:7:8',
    'ff02::1',
  ];
  for (const text of same) t.equal(addressText(cidr(text)), text);
  const other = {
    'FD00:0:0:0:0:0:0:1': 'fd00::1',
    '::ffff:10.0.0.1': '::ffff:a00:1',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '0:1::': '0:1::',
  };
  for (const [text, shown] of Object.entries(other)) t.equal(addressText(cidr(text)), shown);
  for (const text of [
    '',
    '10',
    '10.0.0.256',
    '10.0.0.0/33',
    '::/129',
    '1::2::3',
    'fe80::1%eth0',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    ' ::1',
  ]) {
    t.equal(parseCidr(text), undefined, text);
  }
  t.equal(cidrText(networkOf(cidr('10.88.3.4/16'))), '10.88.0.0/16');
  t.equal(cidrText(networkOf(cidr('fd00:1:2:3::4/48'))), 'fd00:1:2::/48');
  t.ok(contains(cidr('10.0.0.0/8'), cidr('10.88.0.0/16')));
  t.notOk(contains(cidr('10.88.0.0/16'), cidr('10.0.0.0/8')));
  t.notOk(overlap(cidr('10.0.0.0/8'), cidr('fd00::/8')));
  t.notOk(overlap(cidr('10.88.0.0/16'), cidr('10.89.0.0/16')));
});

t.test('subnets are chosen where nobody is', async (t) => {
  const taken = (...texts: string[]) => texts.map((text) => ({ cidr: cidr(text), holder: 'x' }));
  t.equal(chooseSubnet([]), '10.88.0.0/16');
  t.equal(chooseSubnet(taken('10.88.7.0/24', '10.89.0.1/32')), '10.90.0.0/16');
  t.equal(chooseSubnet(taken('10.0.0.0/8')), '172.16.0.0/16');
  t.equal(chooseSubnet(taken('10.0.0.0/8', '172.16.0.0/12')), '192.168.0.0/24');
  t.throws(() => chooseSubnet(taken('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16')), {
    code: 'ADDRESS_IN_USE',
  });
  t.match(chooseSubnet6(), /^fd[0-9a-f]{2}:[0-9a-f:]+::\/64$/);
});

t.test('ports as Docker has them', async (t) => {
  const one = { hostIp: null, hostFirst: 0, hostLast: 0, containerPort: 80, protocol: 'tcp' };
  t.strictSame(parsePorts('80'), [one]);
  t.strictSame(parsePorts('8080:80/udp'), [{ ...one, hostFirst: 8080, hostLast: 8080, protocol: 'udp' }]);
  t.strictSame(parsePorts('127.0.0.1:8080:80'), [
    { ...one, hostIp: '127.0.0.1', hostFirst: 8080, hostLast: 8080 },
  ]);
  t.strictSame(parsePorts('127.0.0.1::80'), [{ ...one, hostIp: '127.0.0.1' }]);
  t.strictSame(parsePorts('[::1]:8080:80'), [{ ...one, hostIp: '::1', hostFirst: 8080, hostLast: 8080 }]);
  t.strictSame(parsePorts('8000-8009:80'), [{ ...one, hostFirst: 8000, hostLast: 8009 }]);
  t.strictSame(
    parsePorts('8000-8001:80-81').map(({ hostFirst, hostLast, containerPort }) => [
      hostFirst,
      hostLast,
      containerPort,
    ]),
    [
      [8000, 8000, 80],
      [8001, 8001, 81],
    ],
  );
  for (const text of [
    '',
    'http',
    '0',
    '65536',
    '80/sctp',
    '80/tcp/udp',
    '8000-8002:80-81',
    '81-80',
    '1.2.3.4:80:81:82',
    '::1:80:80',
    '80:',
    '1-65535',
  ]) {
    t.throws(() => parsePorts(text), Error, text);
  }
  t.match(exposedPorts({ '80/tcp': {}, '53/udp': {}, nonsense: {}, '1:2': {} }), [
    { containerPort: 80 },
    { containerPort: 53 },
  ]);
  t.equal(exposedPorts({ '1:2': {} }).length, 0, 'an image says nothing about the host');
});

t.test('name servers that a container can reach', async (t) => {
  const none = { dns: [], dnsSearch: [], dnsOptions: [] };
  const stub = {
    configured: '# x\nnameserver 127.0.0.53\nsearch lan home\noptions edns0 trust-ad\n',
    behindStub: 'nameserver 192.0.2.1\nnameserver fe80::1%eth0\n',
  };
  t.equal(resolvConf(none, stub, true), 'nameserver 192.0.2.1\nsearch lan home\noptions edns0 trust-ad\n');
  t.equal(resolvConf(none, stub, false), 'nameserver 127.0.0.53\nsearch lan home\noptions edns0 trust-ad\n');
  t.equal(
    resolvConf(none, { configured: 'nameserver ::1\nnameserver 192.0.2.3\n', behindStub: null }, true),
    'nameserver 192.0.2.3\n',
  );
  t.equal(
    resolvConf({ dns: ['9.9.9.9'], dnsSearch: ['.'], dnsOptions: ['ndots:2'] }, stub, true),
    'nameserver 9.9.9.9\noptions ndots:2\n',
  );
  t.equal(resolvConf(none, { configured: null, behindStub: null }, true), '');
});

t.test('neighbours come and go, and what else is in the file stays', async (t) => {
  const file = hostsFile(
    [{ address: '10.0.0.2', names: ['me'] }],
    [{ address: '10.0.0.1', names: ['gate'] }],
  );
  t.match(file, /^127\.0\.0\.1\tlocalhost\n[\s\S]*\n10\.0\.0\.2\tme\n10\.0\.0\.1\tgate\n$/);
  const db = { address: '10.0.0.3', names: ['db', 'store'] };
  const first = withNeighbours(file, [db]);
  t.match(first, /\n10\.0\.0\.3\tdb store\n# End/);
  t.equal(withNeighbours(first, [db]), first);
  t.equal(withNeighbours(first, []), file);
  const edited = `${first}192.0.2.1 mine`;
  t.equal(withNeighbours(edited, []), `${file}192.0.2.1 mine`);
  t.match(withNeighbours(edited, [db]), /192\.0\.2\.1 mine\n#[^\n]*\n10\.0\.0\.3\tdb store\n# End[^\n]*\n$/);
});

t.test('a container could hold up all others of its network by a lease on its hosts file', async (t) => {
  const file = path.join(t.testdir({ hosts: 'old\n' }), 'hosts');
  const hold = `
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)
print('held', flush=True)
signal.pause()`;
  const holder = spawn('python3', ['-c', hold, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  // Whoever waits gets the file when the kernel has taken the lease away, and changes it.
  rewriteInPlace(file, () => 'new\n');
  t.equal(readFileSync(file, 'utf8'), 'old\n', 'it is passed over');
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
  rewriteInPlace(file, () => 'new\n');
  t.equal(readFileSync(file, 'utf8'), 'new\n');
});

t.test('a container could break gc by a hosts file too large for a string', async (t) => {
  const file = path.join(t.testdir({}), 'hosts');
  writeFileSync(file, '');
  truncateSync(file, 700 * 2 ** 20);
  t.equal(readTheirs(file), undefined);
  rewriteInPlace(file, () => {
    throw new Error('it is passed over');
  });
});

t.test('several networks as Docker has them', async (t) => {
  const collect = (...args: string[]) => {
    const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    for (const flag of networkFlags.flags) command.addOption(flag);
    return networkFlags.collect(command.parse(args, { from: 'user' }).opts());
  };
  t.match(collect('--network', 'a', '--ip', '10.0.0.1', '--network', 'name=b,ip=10.0.0.2,alias=x,alias=y'), {
    network: 'a',
    ip: '10.0.0.1',
    furtherNetworks: [{ network: 'b', ip: '10.0.0.2', aliases: ['x', 'y'] }],
  });
  t.match(collect('--network', 'name=a,ip6=fd00::1,mac-address=02:00:00:00:00:01', '--network', 'b'), {
    network: 'a',
    ip6: 'fd00::1',
    macAddress: '02:00:00:00:00:01',
    furtherNetworks: [{ network: 'b', aliases: [] }],
  });
  t.match(collect('--network', 'name=a,gw-priority=-3', '--network', 'name=b,gw-priority=7'), {
    ...{ network: 'a', gatewayPriority: -3 },
    furtherNetworks: [{ network: 'b', gatewayPriority: 7 }],
  });
  const refused: [string[], RegExp][] = [
    [['a', 'none'], /--network none: it cannot be combined/],
    [['host', 'a'], /--network host: it cannot be combined/],
    [['a', 'container:x'], /--network container:x: it cannot be combined/],
    [['a', 'name=a,alias=x'], /--network a: it is given twice/],
    [['name=none,gw-priority=0'], /--network name=none: without a network/],
    [['name=a,gw-priority=high'], /whole number/],
    [['name=host,alias=x'], /--network name=host: on the network of the host/],
    [['a,alias=x'], /a has a value/],
    [['name=a,colour=red'], /colour is none of name, alias/],
    [['name=a,ip=fd00::1'], /IPv4/],
    [['alias=x'], /name=NETWORK is missing/],
    [['container:'], /container:ID/],
  ];
  for (const [words, message] of refused) {
    const args = words.flatMap((word) => ['--network', word]);
    t.throws(() => collect(...args), { message }, words.join(' '));
  }
  t.throws(() => collect('--network', 'name=a,ip=10.0.0.5', '--ip', '10.0.0.6'), {
    message: /--ip: --network name=a/,
  });
});

t.test('networks are chosen as Docker does', async (t) => {
  const root = t.testdir({
    networks: {
      'back.json': JSON.stringify({ format: 1, name: 'back', labels: { team: 'db', tier: '1' } }),
      'backup.json': JSON.stringify({ format: 1, name: 'backup', labels: { team: 'db', tier: '2' } }),
      // Of a berth that knew no labels.
      'front.json': JSON.stringify({ format: 1, name: 'front' }),
    },
  });
  const roots = { root, state: path.join(root, 'state') };
  const cases: [NetworkFilters, string[]][] = [
    [{}, ['back', 'backup', 'front']],
    [{ name: ['back'] }, ['back', 'backup']],
    [{ name: ['^back$', 'fr'] }, ['back', 'front']],
    [{ id: ['ckup'] }, ['backup']],
    [{ label: ['team'] }, ['back', 'backup']],
    [{ label: ['team=db', 'tier=1'] }, ['back']],
    [{ label: ['tier=1'], name: ['backup'] }, []],
    [{ driver: ['bridge'] }, ['back', 'backup', 'front']],
    [{ driver: ['macvlan'] }, []],
  ];
  for (const [filters, expected] of cases) {
    const found = selectNetworks(roots, filters).map(({ name }) => name);
    t.strictSame(found, expected, JSON.stringify(filters));
  }
  t.strictSame(selectNetworks(roots, { name: ['front'] })[0]?.labels, {});
});

t.test('a document of when a container was on one network at most', async (t) => {
  const file = path.join(t.testdir(), 'container.json');
  const read = (document: object) => {
    writeFileSync(file, JSON.stringify({ format: 1, id: 'x', ...document }));
    return readRecord(file);
  };
  const attachment = { network: 'a', ipv4: '10.0.0.7', ports: [{ host_port: 80 }] };
  t.strictSame(read({ network: 'a', attachment }), {
    ...{ format: 1, id: 'x', network: 'a' },
    ...{ networks: ['a'], attachments: [attachment] },
  });
  t.match(read({ network: 'a', attachment: null }), { networks: ['a'], attachments: [] });
  for (const network of ['none', 'host', 'container:y'])
    t.match(read({ network }), { networks: [], attachments: [] }, network);
  t.match(read({ network: 'b', networks: ['b', 'c'], attachments: [] }), { networks: ['b', 'c'] });
});
