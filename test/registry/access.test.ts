import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { pullImage } from '../../src/containerizer/image/pull.js';
import type { RegistryOptions } from '../../src/containerizer/registry/session.js';
import { berth } from '../cli/berth.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { Certificates } from './certificates.js';
import { DockerRegistry, htpasswd, person } from './docker-registry.js';
import { TokenServer } from './token-server.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t);
const place = (name: string) => path.join(folder, name);
let made = 0;
const freshRoots = () => {
  const base = place(`store-${made++}`);
  return { root: path.join(base, 'root'), state: path.join(base, 'state') };
};
/** Nothing of this host's own: no credentials, no registries.conf. */
const bare = {
  HOME: place('home'),
  XDG_RUNTIME_DIR: place('run'),
  CONTAINERS_REGISTRIES_CONF: place('none'),
};
const environment = { PATH: process.env.PATH, ...bare };
const certificates = new Certificates(folder);
const pair = certificates.issue('registry');
const image = writeImage(place('image'), { layers: [{ tar: await layerTar([{ name: 'a' }]) }] });
const publish = (host: string, name: string, ...flags: string[]) =>
  promisify(execFile)('skopeo', [
    '--insecure-policy',
    'copy',
    '--dest-tls-verify=false',
    ...flags,
    image.reference,
    `docker://${host}/${name}`,
  ]);
const asPerson = `--dest-creds=${person.user}:${person.password}`;
const basic = { htpasswd: { realm: 'a test', path: htpasswd(folder) } };
const authOf = (user: string, password: string) => Buffer.from(`${user}:${password}`).toString('base64');
const pull = (reference: string, options: RegistryOptions = {}) =>
  pullImage(freshRoots(), reference, { environment, ...options });

t.test('a registry under TLS, which asks for a password', async (t) => {
  const registry = await DockerRegistry.start(t, place('secure'), { auth: basic, tls: pair });
  await publish(registry.host, 'private/a:1', asPerson);
  const reference = `${registry.host}/private/a:1`;
  const trusted = place('certs');
  mkdirSync(trusted);
  writeFileSync(path.join(trusted, 'ca.crt'), readFileSync(certificates.authority));

  await t.rejects(pull(reference), { code: 'REGISTRY_TLS', message: /a CA that this host does not know/ });
  await t.rejects(pull(reference, { certificates: trusted }), {
    code: 'REGISTRY_DENIED',
    message: /refuses access \(401\): authentication required/,
    mend: /berth login/,
  });
  const known = { certificates: trusted, credentials: { kind: 'password' as const, ...person } };
  t.equal((await pull(reference, known)).manifestDigest, image.manifestDigest);
  const { certificates: _, ...blind } = known;
  t.ok(await pull(reference, { ...blind, tlsVerify: false }), '--tls-verify=false believes anybody');

  const cli = (args: string[], input = '') =>
    berth([...args], { ...bare, REGISTRY_AUTH_FILE: '', DOCKER_CONFIG: '' }, input);
  const login = ['login', '--cert-dir', trusted, '-u', person.user, '--password-stdin', registry.host];
  const file = path.join(bare.XDG_RUNTIME_DIR, 'containers/auth.json');
  t.match(cli(login, 'wrong\n'), { status: 125, stderr: /^berth: registry .*: .* refuses access \(401\)/ });
  t.notOk(existsSync(file), 'what the registry does not take is not kept');
  t.match(cli(['login', '-p', person.password, registry.host]), {
    status: 125,
    stderr: /read by every user/,
  });
  t.match(cli(login, `${person.password}\n`), {
    status: 0,
    stdout: /^Logged in to .* as person; kept in .*auth.json\n$/,
  });
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal((await pull(reference, { certificates: trusted })).manifestDigest, image.manifestDigest);
  execFileSync(
    'skopeo',
    ['inspect', `--cert-dir=${trusted}`, `--authfile=${file}`, `docker://${reference}`],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  t.match(cli(['logout', registry.host]).stdout, /^Logged out/);
  t.same(JSON.parse(readFileSync(file, 'utf8')), { auths: {} });
  t.match(cli(['logout', registry.host]).stdout, /^Not logged in/);
});

t.test('a registry that wants to see a certificate', async (t) => {
  const tls = { ...pair, clientca: certificates.authority };
  const registry = await DockerRegistry.start(t, place('mutual'), { tls });
  const client = certificates.issue('client');
  const shown = place('client-certs');
  mkdirSync(shown);
  writeFileSync(path.join(shown, 'ca.crt'), readFileSync(certificates.authority));
  const options = { certificates: shown };
  await t.rejects(pull(`${registry.host}/a:1`, options), {
    code: 'REGISTRY_TLS',
    message: /a certificate of this host/,
  });
  writeFileSync(path.join(shown, 'client.cert'), readFileSync(client.certificate));
  await t.rejects(pull(`${registry.host}/a:1`, options), {
    code: 'CREDENTIALS_INVALID',
    message: /needs its key/,
  });
  writeFileSync(path.join(shown, 'client.key'), readFileSync(client.key));
  await t.rejects(pull(`${registry.host}/a:1`, options), { code: 'IMAGE_NOT_FOUND' }, 'it is let in');
});

t.test('a registry with a token server', async (t) => {
  const signer = certificates.issue('signer');
  const tokens = await TokenServer.start(t, signer);
  const auth = {
    token: {
      realm: tokens.realm,
      service: TokenServer.service,
      issuer: 'a test',
      rootcertbundle: certificates.authority,
    },
  };
  const registry = await DockerRegistry.start(t, place('tokens'), { auth });
  for (const name of ['public/a:1', 'private/a:1']) await publish(registry.host, name, asPerson);
  tokens.asked.length = 0;

  t.ok(await pull(`${registry.host}/public/a:1`), 'nobody in particular may pull what is public');
  t.match(tokens.asked, [{ method: 'GET', authorization: undefined, scopes: ['repository:public/a:pull'] }]);
  t.equal(tokens.asked[0]?.form.get('service'), TokenServer.service);
  await t.rejects(pull(`${registry.host}/private/a:1`), { code: 'REGISTRY_DENIED' });

  const credentials = { kind: 'password' as const, ...person };
  t.ok(await pull(`${registry.host}/private/a:1`, { credentials }));
  await t.rejects(pull(`${registry.host}/private/a:1`, { credentials: { ...credentials, password: 'x' } }), {
    code: 'REGISTRY_DENIED',
  });
  tokens.asked.length = 0;
  const identity = { kind: 'token' as const, token: TokenServer.identity };
  t.ok(await pull(`${registry.host}/private/a:1`, { credentials: identity }));
  t.match(tokens.asked, [{ method: 'POST', authorization: undefined }]);
  t.equal(tokens.asked[0]?.form.get('grant_type'), 'refresh_token');

  // Every token is over as soon as the registry sees it; the one after it is asked for once, and not for ever.
  tokens.lives = -120;
  tokens.asked.length = 0;
  await t.rejects(pull(`${registry.host}/private/a:1`, { credentials }), { code: 'REGISTRY_DENIED' });
  t.ok(tokens.asked.length < 4, 'it is not asked again and again');
});

t.test('where credentials are found', async (t) => {
  const registry = await DockerRegistry.start(t, place('basic'), { auth: basic });
  await publish(registry.host, 'team/a:1', asPerson);
  const reference = `${registry.host}/team/a:1`;
  const good = { auth: authOf(person.user, person.password) };
  const bad = { auth: authOf(person.user, 'wrong') };
  const home = place('a-home');
  const own = { ...environment, HOME: home, XDG_RUNTIME_DIR: place('a-run') };
  const write = (file: string, document: unknown) => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document));
  };
  const docker = path.join(home, '.docker/config.json');
  const tried = () => pull(reference, { environment: own });
  await t.rejects(tried(), { code: 'REGISTRY_DENIED' });
  write(docker, { auths: { [`https://${registry.host}/v1/`]: good } });
  t.ok(await tried(), "Docker's own file, with a URL as it was once written");
  write(path.join(home, '.config/containers/auth.json'), { auths: { [registry.host]: bad } });
  await t.rejects(tried(), { code: 'REGISTRY_DENIED' }, 'an earlier file counts');
  write(path.join(own.XDG_RUNTIME_DIR, 'containers/auth.json'), {
    auths: { [registry.host]: bad, [`${registry.host}/team`]: good },
  });
  t.ok(await tried(), 'the entry of a part of the path counts more than that of the registry');
  const authFile = place('auth.json');
  write(authFile, { auths: { [registry.host]: { auth: 'x' } } });
  await t.rejects(pull(reference, { environment: own, authFile }), { code: 'CREDENTIALS_INVALID' });
  write(authFile, '{"auths": {"secret');
  await t.rejects(
    pull(reference, { environment: own, authFile }),
    { code: 'CREDENTIALS_INVALID', message: /^(?!.*secret).*it is not JSON$/ },
    'what is in the file is not shown',
  );

  const programs = place('bin');
  const seen = place('seen');
  write(
    path.join(programs, 'docker-credential-test'),
    `#!/bin/sh\necho "$@" >> ${seen}\nread server\n[ "$server" = ${registry.host} ] || { echo credentials not found in native keychain; exit 1; }\necho '{"Username":"${person.user}","Secret":"${person.password}"}'\n`,
  );
  chmodSync(path.join(programs, 'docker-credential-test'), 0o755);
  own.PATH = `${programs}:${own.PATH}`;
  write(authFile, { credHelpers: { [registry.host]: 'test' } });
  t.ok(await pull(reference, { environment: own, authFile }), 'a helper for that registry');
  write(authFile, { auths: {}, credsStore: 'test' });
  t.ok(await pull(reference, { environment: own, authFile }), 'a helper for all');
  t.equal(readFileSync(seen, 'utf8'), 'get\nget\n', 'what is secret is no argument');
  write(authFile, { credHelpers: { [registry.host]: 'absent' } });
  await t.rejects(pull(reference, { environment: own, authFile }), {
    code: 'CREDENTIALS_INVALID',
    message: /there is no docker-credential-absent in PATH/,
  });
});
