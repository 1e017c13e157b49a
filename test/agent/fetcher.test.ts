import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { Fetcher } from '../../src/agent/fetcher/fetcher.js';
import { defaultFetchLimits, type FetchLimits } from '../../src/agent/fetcher/limits.js';
import { nextOf } from '../../src/agent/fetcher/web.js';
import type { CommandInfoURI } from '../../src/mesos/messages.js';
import { layerTar } from '../fixtures/oci-image-writer.js';

const root0 = process.geteuid?.() === 0 ? {} : { skip: 'root: giving files away' };
const owner = { uid: 1000, gid: 1001 };

interface Scene {
  folder: string;
  sandbox: string;
  url: string;
  /** What is served, by path. */
  pages: Map<string, (request: http.IncomingMessage, response: http.ServerResponse) => void>;
  requests: http.IncomingMessage[];
  fetch(uris: (string | CommandInfoURI)[], user?: string): Promise<void>;
  /** By one that waits half a second for a byte and no longer: only for what never comes. */
  fetchHastily(uris: string[]): Promise<void>;
}

async function scene(t: Test, limits: Partial<FetchLimits> = {}): Promise<Scene> {
  const folder = mkdtempSync('/var/tmp/berth-fetch-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const sandbox = path.join(folder, 'sandbox');
  mkdirSync(sandbox);
  const pages: Scene['pages'] = new Map();
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    const page = pages.get(request.url ?? '');
    if (page === undefined) response.writeHead(404).end();
    else page(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const fetcher = (more: Partial<FetchLimits>): Scene['fetch'] => {
    const made = new Fetcher(path.join(folder, 'fetcher'), { ...defaultFetchLimits, ...limits, ...more });
    return (uris, user = 'me') =>
      made.fetch({
        ...{ folder: sandbox, owner, user },
        uris: uris.map((each) => (typeof each === 'string' ? { value: each } : each)),
      });
  };
  return {
    ...{ folder, sandbox, pages, requests, url: `http://127.0.0.1:${port}` },
    fetch: fetcher({}),
    fetchHastily: fetcher({ stall: 0.5 }),
  };
}

const serve =
  (content: Buffer | string) => (request: http.IncomingMessage, response: http.ServerResponse) => {
    response.writeHead(200, { 'Content-Length': Buffer.byteLength(content) });
    response.end(request.method === 'HEAD' ? undefined : content);
  };

t.test('files come into the sandbox, are unpacked and belong to the task', root0, async (t) => {
  const { folder, sandbox, url, pages, fetch } = await scene(t);
  const tree = path.join(folder, 'tree');
  mkdirSync(path.join(tree, 'dir'), { recursive: true });
  writeFileSync(path.join(tree, 'dir/run'), '#!/bin/sh\n');
  chmodSync(path.join(tree, 'dir/run'), 0o4755);
  execFileSync('ln', ['-s', 'dir/run', path.join(tree, 'link')]);
  execFileSync('ln', [path.join(tree, 'dir/run'), path.join(tree, 'hard')]);
  for (const [ending, flag] of [
    ['tar', ''],
    ['tar.gz', 'z'],
    ['tar.bz2', 'j'],
    ['tar.xz', 'J'],
  ] as const) {
    const file = path.join(folder, `a.${ending}`);
    execFileSync('tar', [`-c${flag}f`, file, '-C', tree, `--transform=s,^\\.,${ending},`, '.']);
    pages.set(`/a.${ending}`, serve(readFileSync(file)));
  }
  execFileSync('bsdtar', ['-cf', path.join(folder, 'z.zip'), '--format', 'zip', '-C', tree, '.']);
  pages.set('/z.zip?key=1', serve(readFileSync(path.join(folder, 'z.zip'))));
  pages.set('/words.txt.gz', serve(gzipSync('many words')));
  pages.set('/tool.gz', serve('#!/bin/sh\n'));
  pages.set('/plain', serve('plain'));
  writeFileSync(path.join(folder, 'of the host'), 'local', { mode: 0o644 });
  await fetch([
    ...['tar', 'tar.gz', 'tar.bz2', 'tar.xz'].map((ending) => `${url}/a.${ending}`),
    { value: `${url}/z.zip?key=1`, output_file: 'zipped.zip' },
    `${url}/words.txt.gz`,
    { value: `${url}/tool.gz`, executable: true },
    { value: `${url}/plain`, output_file: 'in/a/folder/renamed' },
    { value: `${url}/a.tar`, extract: false, output_file: 'kept.tar' },
    `file://${encodeURI(path.join(folder, 'of the host'))}`,
  ]);
  for (const ending of ['tar', 'tar.gz', 'tar.bz2', 'tar.xz']) {
    const run = lstatSync(path.join(sandbox, ending, 'dir/run'));
    t.strictSame(
      [run.uid, run.gid, run.mode & 0o7777],
      [1000, 1001, 0o755],
      `${ending}: without set-id bits`,
    );
    t.equal(readlinkSync(path.join(sandbox, ending, 'link')), 'dir/run');
    t.equal(lstatSync(path.join(sandbox, ending, 'hard')).ino, run.ino);
    t.equal(lstatSync(path.join(sandbox, ending, 'dir')).uid, 1000);
  }
  t.equal(lstatSync(path.join(sandbox, 'dir/run')).mode & 0o7777, 0o755, 'from the zip archive');
  t.equal(readlinkSync(path.join(sandbox, 'link')), 'dir/run');
  t.equal(readFileSync(path.join(sandbox, 'words.txt'), 'utf8'), 'many words');
  t.equal(lstatSync(path.join(sandbox, 'tool.gz')).mode & 0o777, 0o755, 'what is to be run is not unpacked');
  t.equal(readFileSync(path.join(sandbox, 'in/a/folder/renamed'), 'utf8'), 'plain');
  t.equal(lstatSync(path.join(sandbox, 'in/a')).uid, 1000);
  t.ok(existsSync(path.join(sandbox, 'kept.tar')));
  t.equal(readFileSync(path.join(sandbox, 'of the host'), 'utf8'), 'local');
});

t.test('neither an archive nor a name leads out, and a failure leaves nothing', root0, async (t) => {
  const { folder, sandbox, url, pages, fetch } = await scene(t);
  const refused = async (uris: (string | CommandInfoURI)[], why: RegExp) => {
    await t.rejects(fetch(uris), { code: 'FETCH_FAILED', message: why }, String(why));
    t.strictSame(readdirSync(sandbox), []);
  };
  const evil = async (...entries: Parameters<typeof layerTar>[0]) =>
    pages.set('/evil.tar', serve(await layerTar(entries)));
  pages.set('/good', serve('good'));
  const file = (name: string, content = 'evil') => ({ name, content: Buffer.from(content) });
  const evilAfterGood = [`${url}/good`, `${url}/evil.tar`];

  await evil(file('../escaped'));
  await refused(evilAfterGood, /evil.tar: \.\.\/escaped: its name has '\.\.' in it/);
  await evil({ name: 'way', type: 'symlink', link: folder }, file('way/escaped'));
  await refused(evilAfterGood, /way\/escaped: it goes through the link 'way'/);
  await evil({ name: 'way', type: 'symlink', link: path.join(folder, 'escaped') }, file('way'));
  await fetch(evilAfterGood);
  t.ok(lstatSync(path.join(sandbox, 'way')).isFile(), 'a link is replaced, not followed');
  for (const name of readdirSync(sandbox)) rmSync(path.join(sandbox, name));
  await evil({ name: 'hard', type: 'link', link: '../../../etc/passwd' });
  await refused(evilAfterGood, /'\.\.' in it/);
  await evil({ name: 'device', type: 'character-device' }, { name: 'p', type: 'fifo' });
  await fetch([`${url}/evil.tar`]);
  t.strictSame(readdirSync(sandbox), ['evil.tar'], 'neither devices nor fifos');
  rmSync(path.join(sandbox, 'evil.tar'));
  await refused([{ value: `${url}/good`, output_file: '../escaped' }], /'\.\.' in it/);
  await refused([{ value: `${url}/good`, output_file: '/escaped' }], /is not relative/);
  execFileSync('python3', [
    '-c',
    `import zipfile\nz = zipfile.ZipFile(${JSON.stringify(path.join(folder, 'e.zip'))}, 'w')\nz.writestr('../escaped', 'x')\nz.close()`,
  ]);
  pages.set('/e.zip', serve(readFileSync(path.join(folder, 'e.zip'))));
  await refused([`${url}/e.zip`], /invalid relative path/);
  pages.set('/no.tar.gz', serve('no archive'));
  await refused([`${url}/good`, `${url}/no.tar.gz`], /no\.tar\.gz/);
  t.notOk(existsSync(path.join(folder, 'escaped')));
  t.strictSame(readdirSync(path.join(folder, 'fetcher/scratch')), []);
});

t.test('only what anybody on the host may read is copied', root0, async (t) => {
  const { folder, sandbox, fetch, fetchHastily } = await scene(t, { size: 100_000 });
  const refused = async (uri: string, why: RegExp, by = fetch) => {
    await t.rejects(by([uri]), { code: 'FETCH_FAILED', message: why });
    t.strictSame(readdirSync(sandbox), []);
  };
  writeFileSync(path.join(folder, 'secret'), 'x', { mode: 0o600 });
  await refused(path.join(folder, 'secret'), /Permission denied/);
  mkdirSync(path.join(folder, 'closed'), { mode: 0o700 });
  writeFileSync(path.join(folder, 'closed/file'), 'x', { mode: 0o644 });
  await refused(`file://${folder}/closed/file`, /Permission denied/);
  execFileSync('ln', ['-s', path.join(folder, 'secret'), path.join(folder, 'link')]);
  await refused(path.join(folder, 'link'), /Permission denied/);
  await refused('/dev/zero', /more than 100000 bytes/);
  execFileSync('mkfifo', ['-m', '644', path.join(folder, 'fifo')]);
  await refused(path.join(folder, 'fifo'), /nothing came for 0.5 seconds/, fetchHastily);
  await refused(path.join(folder, 'nowhere'), /No such file/);
  await refused('relative/file', /neither a URL nor an absolute path/);
  await refused('file://other-host/etc/hostname', /on another host/);
  await refused('hdfs://name/file', /none of http, https and file/);
});

t.test(
  'a server can neither stall, flood, nor send us elsewhere with what it should not have',
  root0,
  async (t) => {
    const { sandbox, url, pages, requests, fetch, fetchHastily } = await scene(t, {
      size: 1000,
      redirects: 3,
    });
    const refused = async (uri: string, why: RegExp, by = fetch) => {
      await t.rejects(by([uri]), { code: 'FETCH_FAILED', message: why });
      t.strictSame(readdirSync(sandbox), []);
    };
    pages.set('/stall', (_, response) => response.writeHead(200, { 'Content-Length': 100 }).write('half'));
    await refused(`${url}/stall`, /nothing came for 0.5 seconds/, fetchHastily);
    pages.set('/silent', () => {});
    await refused(`${url}/silent`, /did not answer for 0.5 seconds/, fetchHastily);
    pages.set('/large', (_, response) => response.writeHead(200, { 'Content-Length': 1001 }).end());
    await refused(`${url}/large`, /it has 1001 bytes/);
    pages.set('/flood', (_, response) => response.writeHead(200).end('x'.repeat(5000)));
    await refused(`${url}/flood`, /more than 1000 bytes/);
    pages.set('/cut', (_, response) => {
      response.writeHead(200, { 'Content-Length': 100 }).write('half');
      setTimeout(() => response.destroy(), 20);
    });
    await refused(`${url}/cut`, /cut: aborted/);
    pages.set('/loop', (_, response) => response.writeHead(302, { Location: '/loop' }).end());
    await refused(`${url}/loop`, /leads on more than 3 times/);
    pages.set('/to-file', (_, response) => response.writeHead(302, { Location: 'file:///etc/shadow' }).end());
    await refused(`${url}/to-file`, /leads from http: to file:/);
    t.throws(() => nextOf('x', new URL('https://a/'), 'http://a/'), /leads from https: to http:/);
    t.equal(nextOf('x', new URL('http://a/b'), 'https://c/').href, 'https://c/');
    await refused(`${url}/nothing`, /answered with status 404/);
    pages.set('/end', serve('end'));
    pages.set('/on', (_, response) => response.writeHead(302, { Location: '/end' }).end());
    requests.length = 0;
    await fetch([url.replace('://', '://me:secret@').concat('/on')]);
    t.strictSame(
      requests.map(({ headers }) => [headers.authorization, headers.origin]),
      [
        [`Basic ${Buffer.from('me:secret').toString('base64')}`, 'null'],
        [undefined, 'null'],
      ],
      'credentials are for the first server alone, and this host hears that it is not root who asks',
    );
    // From another host to this one, and it is not even asked.
    const strange = await scene(t, { near: (address) => address === '127.0.0.1' });
    pages.set('/inward', (_, response) => response.writeHead(302, { Location: `${strange.url}/x` }).end());
    strange.pages.set('/x', serve('of a service that trusts this host'));
    await t.rejects(strange.fetch([`${url.replace('127.0.0.1', '127.0.0.2')}/inward`]), {
      message: /it leads to this host itself/,
    });
    t.strictSame(strange.requests, []);
    await t.rejects(fetch([`${url.replace('://', '://me:secret@')}/nothing`]), {
      message: /^URI http:\/\/127/,
    });
  },
);

t.test('archives that unpack to too much are refused before they do', root0, async (t) => {
  const unpack = { ...defaultFetchLimits.unpack, entries: 3, bytes: 100_000, ratio: 10, ratioGrace: 1000 };
  const { folder, sandbox, url, pages, fetch } = await scene(t, { unpack });
  const link = 'i.create_system = 3; i.external_attr = 0o120777 << 16';
  const archives: [name: string, script: string, why: RegExp][] = [
    ['many', "for i in range(4): z.writestr(str(i), 'x')", /unpacks to more than any archive may/],
    ['large', "z.writestr(zipfile.ZipInfo('large'), bytes(100001))", /unpacks to more than any archive may/],
    ['blown', "z.writestr('blown', bytes(20000))", /unpacks to more than any archive may/],
    ['link', `i = zipfile.ZipInfo('l'); ${link}; z.writestr(i, 'x' * 4097)`, /its link is too long/],
  ];
  for (const [name, script, why] of archives) {
    const file = path.join(folder, `${name}.zip`);
    const open = `z = zipfile.ZipFile(${JSON.stringify(file)}, 'w', zipfile.ZIP_DEFLATED)`;
    execFileSync('python3', ['-c', `import zipfile\n${open}\n${script}\nz.close()`]);
    pages.set(`/${name}.zip`, serve(readFileSync(file)));
    await t.rejects(fetch([`${url}/${name}.zip`]), { code: 'FETCH_FAILED', message: why }, name);
  }
  pages.set('/zeros.gz', serve(gzipSync(Buffer.alloc(100_001))));
  await t.rejects(fetch([`${url}/zeros.gz`]), { message: /unpacks to more than 100000 bytes/ });
  await t.rejects(fetch([`${url}/`]), { message: /names no file/ });
  t.strictSame(readdirSync(sandbox), []);
});

t.test('what is not as large as was said is not kept for others', root0, async (t) => {
  const { url, pages, requests, fetch } = await scene(t);
  pages.set('/file', ({ method }, response) =>
    method === 'HEAD' ? response.writeHead(200, { 'Content-Length': 1 }).end() : response.end('many'),
  );
  await fetch([{ value: `${url}/file`, cache: true }]);
  t.strictSame(
    requests.map(({ method }) => method),
    ['HEAD', 'GET', 'GET'],
  );
});

t.test('what is to be cached is got once, and makes room for others', root0, async (t) => {
  const { folder, sandbox, url, pages, requests, fetch } = await scene(t, { cache: 25 });
  const cached = path.join(folder, 'fetcher/cache');
  const gets = (name: string) =>
    requests.filter((request) => request.method === 'GET' && request.url === `/${name}`).length;
  for (const name of ['a', 'b', 'c']) pages.set(`/${name}`, serve(name.repeat(10)));
  const want = (name: string, user?: string) => fetch([{ value: `${url}/${name}`, cache: true }], user);
  await Promise.all([want('a'), want('a'), want('a')]);
  t.equal(gets('a'), 1, 'all three waited for one');
  t.equal(readFileSync(path.join(sandbox, 'a'), 'utf8'), 'aaaaaaaaaa');
  await want('a', 'somebody else');
  t.equal(gets('a'), 2, 'not for another user');
  await want('c');
  t.equal(readdirSync(cached).length, 2, 'the one of the first user went');
  await want('a', 'somebody else');
  t.equal(gets('a'), 2);
  pages.set('/huge', serve('h'.repeat(26)));
  await want('huge');
  t.equal(gets('huge'), 1);
  t.equal(readFileSync(path.join(sandbox, 'huge'), 'utf8').length, 26, 'got without the cache');
  pages.set('/liar', (request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, { 'Content-Length': 5 }).end();
    else response.writeHead(200).end('longer than said');
  });
  await want('liar');
  t.equal(readFileSync(path.join(sandbox, 'liar'), 'utf8'), 'longer than said');
  await t.rejects(want('missing'), { message: /status 404/ });
  pages.set('/missing', serve('there now'));
  await want('missing');
  t.equal(readFileSync(path.join(sandbox, 'missing'), 'utf8'), 'there now', 'a failure is not kept');
});
