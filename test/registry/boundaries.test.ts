import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import http, { type IncomingHttpHeaders, type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { makeStore, storePaths } from '../../src/containerizer/image/store.js';
import { pruneImages } from '../../src/containerizer/reclaim/prune-images.js';
import { findCredentials } from '../../src/containerizer/registry/credential-store.js';
import { defaultTransferLimits } from '../../src/containerizer/registry/limits.js';
import { logout } from '../../src/containerizer/registry/login.js';
import { fetchManifest } from '../../src/containerizer/registry/manifests.js';
import type { Repository } from '../../src/containerizer/registry/repository.js';
import { type RegistryOptions, RegistrySession } from '../../src/containerizer/registry/session.js';
import { uploadBlob } from '../../src/containerizer/registry/upload.js';
import { digestOf } from '../../src/oci-spec/digest.js';
import { berthCommand } from '../cli/berth.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { Certificates } from './certificates.js';

/** What a registry may not bring its client to, whatever it answers. */

const folder = diskFolder(t);
const place = (name: string) => path.join(folder, name);
const pair = new Certificates(folder).issue('server');
const trusted = place('trusted');
mkdirSync(trusted);
copyFileSync(place('ca.crt'), path.join(trusted, 'ca.crt'));
const environment = {
  HOME: place('home'),
  XDG_RUNTIME_DIR: place('run'),
  CONTAINERS_REGISTRIES_CONF: place('none'),
};
const credentials = { kind: 'password' as const, user: 'person', password: 'secret' };
const blob = Buffer.from('a blob');
const at = `blobs/${digestOf(blob)}`;

interface Served {
  host: string;
  seen: { method: string; url: string; headers: IncomingHttpHeaders }[];
}

async function serve(t: Test, scheme: 'http' | 'https', listener: RequestListener): Promise<Served> {
  const tls = { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) };
  const server = scheme === 'https' ? https.createServer(tls) : http.createServer();
  const seen: Served['seen'] = [];
  server.on('request', (request, response) => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers });
    request.resume();
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function open(t: Test, { host }: Served, options: RegistryOptions): Promise<Repository> {
  const limits = { firstDelay: 1, longestDelay: 5, attempts: 2, ...options.limits };
  const session = await RegistrySession.open({ environment, credentials, ...options, limits });
  t.teardown(() => session.close());
  const location = { registry: host, repository: 'r' };
  return session.repository({ location, insecure: false, mirror: false }, 'pull,push');
}

const get = (repository: Repository) => repository.ask({ at, expect: [200], what: 'a blob' });
const says =
  (status: number, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) =>
    response.writeHead(status, headers).end();
const under = { tlsVerify: true, certificates: trusted };

t.test('a 401 of a server that the registry redirects to teaches nothing', async (t) => {
  const evil = await serve(t, 'http', (_request, response) => response.end('{"token":"x"}'));
  const realm = { 'www-authenticate': `Bearer realm="http://${evil.host}/token"` };
  const cdn = await serve(t, 'http', says(401, realm));
  const registry = await serve(t, 'http', says(307, { location: `http://${cdn.host}/signed` }));
  await t.rejects(get(await open(t, registry, {})), {
    code: 'REGISTRY_FAILED',
    message: `a blob: ${cdn.host}, where ${registry.host} sends for it, refuses access (401)`,
  });
  t.strictSame(evil.seen, [], 'nobody says there who asks');
  const basic = await serve(t, 'http', says(401, { 'www-authenticate': 'Basic' }));
  const other = await serve(t, 'http', says(307, { location: `http://${basic.host}/signed` }));
  await t.rejects(get(await open(t, other, {})), { code: 'REGISTRY_FAILED' });
  t.equal(other.seen.filter(({ url }) => url.includes('/blobs/')).length, 1, 'nor is the registry told then');
});

t.test('a realm in the open gets nothing from a registry under TLS, the second time as well', async (t) => {
  const evil = await serve(t, 'http', (_request, response) => response.end('{"token":"x"}'));
  const realm = { 'www-authenticate': `Bearer realm="http://${evil.host}/token"` };
  const repository = await open(t, await serve(t, 'https', says(401, realm)), under);
  for (let time = 0; time < 2; time++)
    await t.rejects(get(repository), { code: 'REGISTRY_FAILED', message: /not under TLS/ });
  t.strictSame(evil.seen, []);
});

t.test('what it says reaches no terminal as it is', async (t) => {
  const message = JSON.stringify({ errors: [{ message: '\u001b[31mred\nberth: done' }] });
  let asked = 0;
  const registry = await serve(t, 'http', ({ url }, response) =>
    response.writeHead(url === '/v2/' ? 200 : asked++ === 0 ? 503 : 404).end(message),
  );
  const roots = ['--root', place('said'), '--state', place('said')];
  const [program = '', ...words] = berthCommand;
  const pull = ['image', 'pull', ...roots, `${registry.host}/r:1`];
  const told = await promisify(execFile)(program, [...words, ...pull], {
    env: { ...process.env, ...environment },
  }).catch((error: { stderr: string }) => error);
  t.match(told.stderr, /503: \\x1b\[31mred\\x0aberth: done; trying again in .*\n.*have it: \\x1b\[31mred/);
});

t.test('what neither it nor the server calls anything is known by what is in it', async (t) => {
  const documents: [string, string, string][] = [
    ['{"schemaVersion":2,"manifests":[]}', 'text/plain; charset=utf-8', 'image.index.v1+json'],
    ['{"schemaVersion":2,"config":{},"layers":[]}', 'application/json', 'image.manifest.v1+json'],
    ['{"schemaVersion":2,"config":{}}', 'image/png', 'image/png'],
    ['{"schemaVersion":1,"config":{}}', 'application/json', 'application/json'],
    ['{"schemaVersion":2,"mediaType":"a/b","manifests":[]}', 'text/plain', 'a/b'],
    ['null', 'text/plain', 'text/plain'],
  ];
  for (const [document, type, expected] of documents) {
    const answer: RequestListener = (_request, response) =>
      response.writeHead(200, { 'content-type': type }).end(document);
    const repository = await open(t, await serve(t, 'http', answer), {});
    const { mediaType } = await fetchManifest(repository, { tag: '1' }, 'it');
    t.ok(mediaType.endsWith(expected), `${document}, ${type}: ${mediaType}`);
  }
});

t.test('where an upload goes on is checked as a redirect is', async (t) => {
  const file = place('blob');
  writeFileSync(file, blob);
  const other = await serve(t, 'http', says(201));
  const sent = { digest: digestOf(blob), size: blob.length, file, mountFrom: [] };
  const upload = async (scheme: 'http' | 'https', location: string, options: RegistryOptions) => {
    const registry = await serve(t, scheme, ({ method, headers }, response) => {
      if (headers.authorization === undefined)
        says(401, { 'www-authenticate': 'Basic' })({} as never, response);
      else response.writeHead(method === 'POST' ? 202 : 405, { location }).end();
    });
    return uploadBlob(await open(t, registry, options), sent, () => {}, 'a blob');
  };
  const failed = (message: RegExp) => ({ code: 'REGISTRY_FAILED', message });
  await t.rejects(
    upload('https', `http://${other.host}/put`, under),
    failed(/redirects from https to plain http/),
  );
  await t.rejects(upload('http', 'file:///etc/shadow', {}), failed(/redirects to file:$/));
  await t.rejects(upload('http', 'http://', {}), failed(/redirects to something that is no URL/));
  t.strictSame(other.seen, []);
  t.equal(await upload('http', `http://a:b@${other.host}/put`, {}), 'sent', 'HEAD need not be known');
  t.match(other.seen, [{ method: 'PUT' }]);
  t.equal(other.seen[0]?.headers.authorization, undefined, 'another server is not told who asks');
});

t.test('whoever answers is believed at the registry that was said, and nowhere else', async (t) => {
  const cdn = await serve(t, 'https', says(200));
  const registry = await serve(t, 'https', says(307, { location: `https://${cdn.host}/signed` }));
  const insecure = { tlsVerify: false };
  await t.rejects(get(await open(t, registry, insecure)), {
    code: 'REGISTRY_TLS',
    message: new RegExp(`registry ${cdn.host}`),
  });
  const realm = { 'www-authenticate': `Bearer realm="https://${cdn.host}/token"` };
  await t.rejects(get(await open(t, await serve(t, 'https', says(401, realm)), insecure)), {
    code: 'REGISTRY_TLS',
    message: new RegExp(`registry ${cdn.host}`),
  });
  t.strictSame(cdn.seen, []);
  const own: Served = await serve(t, 'https', ({ url }, response) => {
    if (url?.startsWith('/moved')) response.end();
    else response.writeHead(307, { location: `https://${own.host}/moved` }).end();
  });
  t.equal((await get(await open(t, own, insecure))).status, 200, 'its own redirects are its own');
});

t.test('a document that drips, in its head or its body, has an end', async (t) => {
  const limits = { longestAnswer: 300, leastBytes: 1, attempts: 1 };
  const body = await serve(t, 'http', (_request, response) => {
    const timer = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(timer));
  });
  const late = { code: 'REGISTRY_FAILED', message: /takes too long/ };
  const fetch = async (from: Served) =>
    (await open(t, from, { limits })).fetch(
      { at: 'manifests/1', expect: [200], what: 'a manifest' },
      1 << 20,
    );
  await t.rejects(fetch(body), late);
  const head = await serve(t, 'http', ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('a: b\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  await t.rejects(fetch(head), late);
  const { leastBytes, patience } = defaultTransferLimits;
  t.ok(
    (10 * 2 ** 30) / (leastBytes / patience) < 60 * 24 * 3600 * 1000,
    'ten gigabytes cannot be dripped for months',
  );
});

t.test('logout forgets what every file and helper has that pulls look into', async (t) => {
  const home = place('logout');
  const own = {
    ...environment,
    HOME: home,
    XDG_RUNTIME_DIR: path.join(home, 'run'),
    PATH: `${home}:${process.env.PATH}`,
  };
  const files = ['run/containers/auth.json', '.config/containers/auth.json', '.docker/config.json'].map(
    (file) => path.join(home, file),
  );
  const known = path.join(home, 'known');
  writeBelow(known, 'x');
  const helper = path.join(home, 'docker-credential-test');
  const answer = '{"Username":"u","Secret":"s"}';
  writeBelow(
    helper,
    `#!/bin/sh\n[ -e ${known} ] || { echo credentials not found in native keychain; exit 1; }\n[ $1 = erase ] && rm ${known} || echo '${answer}'\n`,
  );
  chmodSync(helper, 0o755);
  const entry = { auth: Buffer.from('u:p').toString('base64') };
  for (const [i, file] of files.entries())
    writeBelow(
      file,
      JSON.stringify({
        auths: { 'r.example': entry, 'other.example': entry },
        ...(i === 2 ? { credsStore: 'test' } : {}),
      }),
    );
  t.strictSame(await logout('r.example', { environment: own }), [...files, 'docker-credential-test']);
  t.equal(await findCredentials({ registry: 'r.example', repository: 'a' }, { environment: own }), undefined);
  for (const file of files)
    t.match(JSON.parse(readFileSync(file, 'utf8')), { auths: { 'other.example': entry } });
  t.strictSame(await logout('r.example', { environment: own }), []);
});

t.test('prune with a time leaves the partial downloads that are younger', async (t) => {
  const roots = { root: place('pruned'), state: place('pruned-state') };
  makeStore(roots);
  const { downloads, index } = storePaths(roots);
  writeFileSync(index, JSON.stringify({ format: 1, images: {}, manifests: [] }));
  for (const name of ['old', 'young']) writeFileSync(path.join(downloads, name), 'x');
  utimesSync(path.join(downloads, 'old'), 1000, 1000);
  await pruneImages(roots, { all: true, before: '2001-01-01T00:00:00Z' });
  t.strictSame(readdirSync(downloads), ['young']);
  await pruneImages(roots, { all: true });
  t.strictSame(readdirSync(downloads), []);
});

function writeBelow(file: string, content: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
}
