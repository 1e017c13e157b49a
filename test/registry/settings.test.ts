import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { parseReference } from '../../src/containerizer/image/reference.js';
import { wholeNames } from '../../src/containerizer/image/short-names.js';
import { challengesOf } from '../../src/containerizer/registry/challenge.js';
import { isLoopback, locationOf } from '../../src/containerizer/registry/location.js';
import { proxyFor } from '../../src/containerizer/registry/proxies.js';
import { Registries } from '../../src/containerizer/registry/registries.js';
import { Retries, retryAfter } from '../../src/containerizer/registry/retry.js';
import { RegistrySession } from '../../src/containerizer/registry/session.js';
import { diskFolder } from '../fixtures/disk-folder.js';

const folder = diskFolder(t);
let made = 0;
const conf = (content: string) => {
  const file = path.join(folder, `registries-${made++}.conf`);
  writeFileSync(file, content);
  return Registries.read({ CONTAINERS_REGISTRIES_CONF: file });
};
const asked = (registries: Registries, name: string, byDigest = false) =>
  registries
    .candidates(locationOf(name), byDigest)
    .map(
      ({ location, insecure }) => `${location.registry}/${location.repository}${insecure ? ' insecure' : ''}`,
    );

t.test('names', async (t) => {
  for (const [name, registry, repository] of [
    ['busybox', 'docker.io', 'library/busybox'],
    ['team/web', 'docker.io', 'team/web'],
    ['localhost/web', 'localhost', 'web'],
    ['localhost:5000/a/b', 'localhost:5000', 'a/b'],
    ['Host/web', 'host', 'web'],
    ['quay.io/a/b/c', 'quay.io', 'a/b/c'],
  ] as const)
    t.strictSame(locationOf(name), { registry, repository }, name);
  for (const [text, canonical, short] of [
    ['docker.io/library/busybox', 'busybox:latest', false],
    ['index.docker.io/busybox', 'busybox:latest', false],
    ['busybox', 'busybox:latest', true],
    ['team/web:1', 'team/web:1', true],
    [`quay.io/a:1@sha256:${'0'.repeat(64)}`, `quay.io/a@sha256:${'0'.repeat(64)}`, false],
  ] as const)
    t.match(parseReference(text), { canonical, short }, text);
  for (const host of ['localhost', 'localhost:5000', '127.0.0.1:80', '127.8.8.8', '[::1]:5000'])
    t.ok(isLoopback(host), host);
  for (const host of ['localhost.example.com', '127.0.0.1.example.com', '10.0.0.1', '128.0.0.1:5000'])
    t.notOk(isLoopback(host), host);
});

t.test('challenges', async (t) => {
  t.strictSame(
    challengesOf(
      'Basic realm="x, y", Bearer realm="https://a/t?b=\\"c\\"",service="s",scope="repository:a:pull,push"',
    ),
    [
      { scheme: 'bearer', realm: 'https://a/t?b="c"', service: 's', scope: 'repository:a:pull,push' },
      { scheme: 'basic' },
    ],
  );
  t.strictSame(challengesOf('Negotiate, bearer Realm=https, basic'), [
    { scheme: 'bearer', realm: 'https', service: undefined, scope: undefined },
    { scheme: 'basic' },
  ]);
  t.strictSame(challengesOf('Bearer service="no realm"'), []);
  t.equal(retryAfter('3'), 3000);
  t.equal(retryAfter(new Date(0).toUTCString()), 0);
  t.equal(retryAfter('soon'), undefined);
});

t.test('registries.conf', async (t) => {
  const registries = await conf(`
unqualified-search-registries = ["quay.io", "docker.io"]
aliases = { fedora = "registry.example/f", "a/b" = "" }
[[registry]]
prefix = "docker.io"
[[registry.mirror]]
location = "mirror.example.com/hub"
insecure = true
[[registry.mirror]]
location = "tags.example.com"
pull-from-mirror = "tag-only"
[[registry]]
prefix = "docker.io/library"
location = "inside.example.com/base"
[[registry]]
prefix = "*.evil.example"
blocked = true
[[registry]]
location = "lab:5000"
insecure = true
mirror-by-digest-only = true
[[registry.mirror]]
location = "copy:5000"
`);
  const whole = (name: string) => {
    const parsed = parseReference(name);
    return parsed.kind === 'stored' ? wholeNames(parsed, registries).map(({ canonical }) => canonical) : [];
  };
  t.strictSame(whole('fedora:40'), ['registry.example/f:40'], 'an alias is the one name');
  t.strictSame(whole('a/b'), ['quay.io/a/b:latest', 'a/b:latest'], 'one that is taken back is none');
  t.strictSame(whole('other.example/fedora'), ['other.example/fedora:latest']);
  t.strictSame(
    asked(registries, 'busybox'),
    ['inside.example.com/base/busybox'],
    'the longest prefix counts',
  );
  t.strictSame(asked(registries, 'team/web'), [
    'mirror.example.com/hub/team/web insecure',
    'tags.example.com/team/web',
    'docker.io/team/web',
  ]);
  t.equal(asked(registries, 'team/web', true).length, 2, 'a mirror may be for tags alone');
  t.strictSame(asked(registries, 'lab:5000/a'), ['lab:5000/a insecure']);
  t.strictSame(asked(registries, 'lab:5000/a', true), ['copy:5000/a', 'lab:5000/a insecure']);
  t.strictSame(asked(registries, 'lab:50/a'), ['lab:50/a'], 'a prefix ends where a part of the name does');
  t.throws(() => asked(registries, 'x.evil.example:5000/a'), {
    code: 'REGISTRIES_INVALID',
    message: /forbids/,
  });
  t.strictSame(asked(registries, 'evil.example/a'), ['evil.example/a']);
  for (const [content, why] of [
    ['[[registry]]\nprefix = 1', /registry\[0\]\.prefix is not a host/],
    ['[[registry]]\ninsecure = true', /a prefix or a location/],
    ['[registries.search]\nregistries = []', /version 1/],
    ['[aliases]\na = "b"', /aliases\.a is not a whole name/],
    ['unqualified-search-registries = [', /./],
  ] as const)
    await t.rejects(conf(content), { code: 'REGISTRIES_INVALID', message: why }, content);
  t.strictSame((await conf('# nothing\n')).search, []);
});

t.test('which proxy is asked', async (t) => {
  const environment = {
    HTTPS_PROXY: 'http://user:pw@proxy:3128',
    http_proxy: 'plain:80',
    NO_PROXY: 'inside.example, .below.example,10.0.0.0/8,port.example:8443',
  };
  const of = (url: string, env: NodeJS.ProcessEnv = environment) => proxyFor(new URL(url), env)?.host;
  t.equal(of('https://a.example/'), 'proxy:3128');
  t.equal(of('http://a.example/'), 'plain');
  for (const host of [
    'inside.example',
    'x.inside.example',
    'x.below.example',
    '10.1.2.3',
    'port.example:8443',
    'localhost:5000',
    '127.0.0.1',
  ])
    t.equal(of(`https://${host}/`), undefined, host);
  for (const host of ['notinside.example', 'below.example', '11.1.2.3', 'port.example'])
    t.equal(of(`https://${host}/`), 'proxy:3128', host);
  t.equal(of('https://a.example/', { ...environment, NO_PROXY: '*' }), undefined);
  t.throws(() => of('https://a.example/', { HTTPS_PROXY: 'socks5://u:secret@x' }), {
    code: 'REGISTRY_UNREACHABLE',
    message: /^(?!.*secret)/,
  });
});

t.test('waits grow, and end', async (t) => {
  const limits = {
    parallel: 1,
    attempts: 5,
    firstDelay: 2,
    longestDelay: 5,
    patience: 1,
    leastBytes: 1,
    longestAnswer: 1,
    totalDelay: 1000,
    uploadPart: 1,
  };
  const { Transient } = await import('../../src/containerizer/registry/trouble.js');
  const waits: number[] = [];
  const retries = new Retries(limits, new AbortController().signal, (_reason, delay) => waits.push(delay));
  await t.rejects(
    retries.run('x', () => Promise.reject(new Transient('no'))),
    { message: 'x: no, 5 times in a row' },
  );
  t.equal(waits.length, 4);
  t.ok(
    waits.every((wait, i) => wait <= Math.min(5, 2 ** (i + 1)) && wait >= Math.min(5, 2 ** (i + 1)) / 2),
    `${waits}`,
  );
  waits.length = 0;
  const told = [20, 0, 1001];
  await t.rejects(
    retries.run('x', () =>
      Promise.reject(new Transient('no', { after: told.shift() as number, limited: true })),
    ),
    {
      code: 'REGISTRY_LIMITED',
      message: 'x: no, and says to come back in 1 minutes',
      mend: /^Wait so long /,
    },
    'nobody waits in vain',
  );
  t.equal(waits[0], 20, 'as long as the server says, and no shorter');
  t.equal(waits.length, 2);
  const stopped = new AbortController();
  stopped.abort(new Error('enough'));
  const none = new Retries(limits, stopped.signal, () => t.fail('it does not wait'));
  await t.rejects(
    none.run('x', () => Promise.reject(new Transient('no'))),
    { message: 'enough' },
  );
});

t.test('through a proxy', async (t) => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`);
    response.writeHead(404).end();
  });
  // A tunnel that leads nowhere: what matters is who is asked, and for what.
  proxy.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization']}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => proxy.close());
  const url = `http://me:pw@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const environment = {
    HTTPS_PROXY: url,
    HTTP_PROXY: url,
    CONTAINERS_REGISTRIES_CONF: path.join(folder, 'none'),
    HOME: folder,
  };
  const authorization = `Basic ${Buffer.from('me:pw').toString('base64')}`;
  const session = await RegistrySession.open({ environment });
  t.teardown(() => session.close());
  const [candidate] = session.candidates(locationOf('far.example/a'), false);
  if (candidate === undefined) throw new Error('no candidate');
  const repository = await session.repository(candidate, 'pull');
  await t.rejects(repository.ask({ at: 'tags/list', expect: [200], what: 'x' }), {
    code: 'REGISTRY_UNREACHABLE',
    message: /it answers 403 to CONNECT far\.example:443/,
  });
  t.strictSame(seen, [`CONNECT far.example:443 ${authorization}`]);
  await repository.transport.send({ method: 'GET', url: new URL('http://far.example/v2/') });
  t.equal(seen[1], `GET http://far.example/v2/ ${authorization}`);
});
