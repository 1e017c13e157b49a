import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { discoveryTags } from '../../src/containerizer/appc/meta-tags.js';
import { loadImage } from '../../src/containerizer/image/load.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { pullImage } from '../../src/containerizer/image/pull.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { berthCommand } from '../cli/berth.js';
import { aciEntries, aciManifest, writeAci } from '../fixtures/aci.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { Gpg } from '../fixtures/gpg.js';
import { WebHost } from '../fixtures/web-host.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t);
const gpg = new Gpg(t, path.join(folder, 'gpg'));
const good = gpg.key('Good <good@example.com>');
const other = gpg.key('Other <other@example.com>', 'rsa2048');
const keyFile = (user: string) => {
  const file = path.join(folder, `${user}.pub`);
  writeFileSync(file, gpg.export(user));
  return file;
};

let made = 0;
const freshRoots = () => {
  const root = path.join(folder, `root-${made++}`);
  return { root, state: path.join(root, 'state') };
};

/** `berth WORDS` on a root; its status and what it said. */
function berth(
  roots: { root: string; state: string },
  environment: Record<string, string>,
  ...words: string[]
) {
  const [program = '', ...before] = berthCommand;
  // Not and wait: the web host lives in this process.
  const done = promisify(execFile)(program, [...before, ...words], {
    encoding: 'utf8',
    env: { ...process.env, ...environment, BERTH_ROOT: roots.root, BERTH_STATE: roots.state },
  });
  done.child.stdin?.end();
  return done.then(
    ({ stdout }) => ({ status: 0, out: stdout, error: '' }),
    ({ code, stdout, stderr }) => ({ status: Number(code), out: String(stdout), error: String(stderr) }),
  );
}

const aci = (name: string, members: Record<string, unknown> = {}, content = 'x') =>
  writeAci(
    path.join(folder, `${made++}.aci`),
    aciEntries(aciManifest({ name, app: { exec: ['/x'], user: '0', group: '0' }, ...members }), [
      { name: 'x', content },
    ]),
  );

t.test('a file must be signed as soon as a key is trusted for its name', async (t) => {
  const roots = freshRoots();
  const file = await aci('example.com/app');
  await loadImage(roots, file);
  await provideImage(roots, 'appc:example.com/app');
  t.pass('where nobody is trusted, nothing needs to be signed');

  const added = await berth(
    roots,
    {},
    'trust',
    'add',
    '--prefix',
    'example.com/app',
    keyFile('good@example.com'),
  );
  t.equal(added.out, `${good}\n`);
  t.match((await berth(roots, {}, 'trust', 'ls')).out, new RegExp(`example.com/app +${good} +- +Good`));
  await t.rejects(loadImage(roots, file), { code: 'SIGNATURE_REFUSED', message: /it is not signed/ });
  await t.rejects(provideImage(roots, 'appc:example.com/app'), {
    code: 'SIGNATURE_REFUSED',
    message: /came without a signature/,
  });
  await provideImage(roots, 'appc:example.com/app', { insecure: true });
  await loadImage(roots, await aci('example.com/apple'));
  t.pass('a prefix ends with a part of the name');

  gpg.sign('other@example.com', file);
  await t.rejects(loadImage(roots, file), { code: 'SIGNATURE_REFUSED', message: /signature is not good/ });
  const signature = gpg.sign('good@example.com', file);
  await loadImage(roots, file);
  t.equal((await provideImage(roots, 'appc:example.com/app')).manifestDigest.length, 71, 'signed, it runs');

  const altered = await aci('example.com/app', {}, 'y');
  writeFileSync(`${altered}.asc`, signature);
  await t.rejects(loadImage(roots, altered), { code: 'SIGNATURE_REFUSED', message: /not good/ });
  writeFileSync(`${altered}.asc`, 'no signature');
  await t.rejects(loadImage(roots, altered), { code: 'SIGNATURE_REFUSED' });

  // A dependency is asked the same.
  const dependent = await aci('example.com/other', { dependencies: [{ imageName: 'example.com/app' }] });
  await loadImage(roots, dependent);
  t.equal((await berth(roots, {}, 'trust', 'rm', '--prefix', 'example.com/app', good.slice(-8))).status, 0);
  await provideImage(roots, 'appc:example.com/app');
  t.equal((await berth(roots, {}, 'trust', 'add', '--all', keyFile('other@example.com'))).out, `${other}\n`);
  await t.rejects(provideImage(roots, 'appc:example.com/app'), { message: /is not trusted any more/ });
  await t.rejects(loadImage(roots, dependent, { insecure: false }), { code: 'SIGNATURE_REFUSED' });
  t.match(
    (await berth(roots, {}, 'trust', 'add', keyFile('other@example.com'))).error,
    /--prefix NAME or --all/,
  );
  const none = path.join(folder, 'none');
  writeFileSync(none, 'no key');
  t.match((await berth(roots, {}, 'trust', 'add', '--all', none)).error, /no OpenPGP keys/);

  const saved = path.join(folder, 'saved.aci');
  t.equal(
    (await berth(roots, {}, 'image', 'save', '--format', 'aci', '-o', saved, 'appc:example.com/app')).status,
    0,
  );
  t.ok(readFileSync(saved).equals(readFileSync(file)), 'an image is given back as it came');
});

t.test('images are found by their names', async (t) => {
  const web = await WebHost.open(t, diskFolder(t), ['example.com', 'storage.example.org']);
  const roots = freshRoots();
  const options = { environment: web.environment, certificates: web.certificates };
  const linux = [
    { name: 'version', value: '1.0' },
    { name: 'os', value: 'linux' },
    { name: 'arch', value: 'amd64' },
  ];
  const dependency = await aci('example.com/team/base');
  const file = await aci('example.com/team/app', {
    labels: linux,
    dependencies: [{ imageName: 'example.com/team/base' }],
  });
  const at = (host: string, page: string | Buffer | object) =>
    web.pages.set(host, typeof page === 'string' || Buffer.isBuffer(page) ? { body: page } : page);
  const template = 'https://storage.example.org/{os}/{arch}/{name}-{version}.{ext}';
  at(
    'example.com/',
    `<html><head><!-- <meta name="ac-discovery" content="example.com https://wrong.example/{name}"> -->
    <META NAME='ac-discovery' content='elsewhere.com ${template}'>
    <meta content="example.com/team ${template.replaceAll('&', '&amp;')}" name=ac-discovery />
    <meta name="ac-discovery-pubkeys" content="example.com/team https://example.com/keys"></head>`,
  );
  at('example.com/team', { status: 301, headers: { location: '/moved' } });
  at('example.com/moved', 'a page with nothing in it');
  at('example.com/keys', gpg.export('good@example.com'));
  const place = 'storage.example.org/linux/amd64/example.com/team/app-1.0.aci';
  at(place, readFileSync(file));
  at('storage.example.org/linux/amd64/example.com/team/base-latest.aci', readFileSync(dependency));

  const pull = (reference: string, more: object = {}) => pullImage(roots, reference, { ...options, ...more });
  await t.rejects(pull('appc:example.com/team/app:1.0'), {
    code: 'SIGNATURE_REFUSED',
    message: /no key is trusted/,
  });
  t.strictSame(web.asked, [], 'nothing is fetched that could not be believed');
  const words = ['trust', 'add', '--cert-dir', web.certificates, '--prefix', 'example.com/team'];
  t.match((await berth(roots, web.environment, ...words)).error, /no terminal to ask on/);
  t.equal(
    (await berth(roots, web.environment, ...words, '-f')).out,
    `${good}\n`,
    'the keys that the name tells of',
  );

  await t.rejects(pull('appc:example.com/team/app:1.0'), {
    code: 'SIGNATURE_REFUSED',
    message: /it is not signed/,
  });
  at(`${place}.asc`, gpg.sign('good@example.com', dependency));
  await t.rejects(pull('appc:example.com/team/app:1.0'), { code: 'SIGNATURE_REFUSED', message: /not good/ });
  at(`${place}.asc`, gpg.sign('good@example.com', file));
  await t.rejects(pull('appc:example.com/team/app:1.0'), {
    message: /dependency example.com\/team\/base: it is not signed/,
  });
  at(
    'storage.example.org/linux/amd64/example.com/team/base-latest.aci.asc',
    gpg.sign('good@example.com', dependency),
  );
  const { name } = await pull('appc:example.com/team/app:1.0');
  t.equal(name, 'appc:example.com/team/app:1.0');
  t.equal((await provideImage(roots, 'appc:example.com/team/app')).layers.length, 2);
  t.ok(web.asked.includes('example.com/team/app?ac-discovery=1'), 'from the name upward');

  // What is there must be what was asked for.
  const mislabelled = 'storage.example.org/linux/amd64/example.com/team/app-2.0.aci';
  at(mislabelled, readFileSync(file));
  at(`${mislabelled}.asc`, gpg.sign('good@example.com', file));
  await t.rejects(pull('appc:example.com/team/app:2.0'), { code: 'IMAGE_INVALID', message: /other labels/ });
  await t.rejects(pull('appc:example.com/team/none'), { code: 'IMAGE_NOT_FOUND', message: /it is not at/ });
  at(
    'example.com/plain-1.0-linux-amd64.aci',
    readFileSync(await aci('example.com/plain', { labels: linux })),
  );
  const simple = await pull('appc:example.com/plain:1.0', { insecure: true });
  t.equal(simple.name, 'appc:example.com/plain:1.0', 'simple discovery');
  at('example.com/huge-1.0-linux-amd64.aci', {
    headers: { 'content-length': '1000000000000000' },
    body: 'x',
  });
  await t.rejects(pull('appc:example.com/huge:1.0', { insecure: true }), {
    code: 'NO_SPACE',
    message: /: \d+ are missing$/,
  });
  const removed = await removeImage(roots, 'appc:example.com/team/app', () => undefined);
  t.equal(removed.name, 'appc:example.com/team/app:1.0', 'it goes by the name that it runs by');
  at('example.com/team', { status: 302, headers: { location: 'http://example.com/moved' } });
  at(place, { status: 302, headers: { location: 'http://example.com/app.aci' } });
  await t.rejects(pull('appc:example.com/team/app:1.0'), { message: /plain http/ });
  await t.rejects(
    pullImage(roots, 'appc:example.com/plain:1.0', { environment: web.environment, insecure: true }),
    { code: 'REGISTRY_TLS' },
  );
});

t.test('pages are read as a browser would, and no more', (t) => {
  const tags = (page: string) => discoveryTags(page).map(({ prefix, target }) => `${prefix} ${target}`);
  t.strictSame(tags('<meta name="ac-discovery" content="a b"><meta name="ac-discovery" content="a">'), [
    'a b',
  ]);
  t.strictSame(tags('<script>"<meta name=ac-discovery content=\'a b\'>"</script>'), []);
  t.strictSame(tags('<meta data=">" name="ac-discovery" content=" a\n https://x/?a=1&amp;b=2 ">'), [
    'a https://x/?a=1&b=2',
  ]);
  t.strictSame(tags('<!-- <meta name="ac-discovery" content="a b">'), []);
  t.end();
});
