import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { inspectImage } from '../../src/containerizer/image/list.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { pullImage } from '../../src/containerizer/image/pull.js';
import { type Digest, digestOf } from '../../src/oci-spec/digest.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { layerTar, thisArchitecture, writeImage } from '../fixtures/oci-image-writer.js';
import { DockerRegistry } from './docker-registry.js';
import { FaultProxy } from './fault-proxy.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const empty = gzipSync(Buffer.alloc(1024));
const lower = gzipSync(
  await layerTar([
    { name: 'a', content: 'lower' },
    { name: 'gone', content: 'x' },
  ]),
);
const upper = gzipSync(await layerTar([{ name: '.wh.gone' }, { name: 'b', content: 'upper' }]));

/** As Docker wrote them: the topmost layer first. */
function manifestOf(blobs: Buffer[]): Record<string, unknown> {
  const common = { architecture: thisArchitecture, os: 'linux', created: '2015-01-01T00:00:00Z' };
  const histories = [
    {
      ...common,
      id: '3',
      throwaway: true,
      config: { Cmd: ['/b'], Env: ['A=1'] },
      container_config: { Cmd: ['CMD'] },
    },
    {
      id: '2',
      parent: '1',
      created: '2015-01-01T00:00:00Z',
      container_config: { Cmd: ['/bin/sh', '-c', 'add b'] },
    },
    { id: '1', created: '2015-01-01T00:00:00Z' },
  ];
  return {
    schemaVersion: 1,
    name: 'old',
    tag: '1',
    architecture: thisArchitecture,
    fsLayers: blobs.map((blob) => ({ blobSum: digestOf(blob) })),
    history: histories.slice(-blobs.length).map((each) => ({ v1Compatibility: JSON.stringify(each) })),
  };
}

/** The signatures stand before the last brace; each says how the document ends without them. */
function signed(manifest: Record<string, unknown>): { payload: string; bytes: string } {
  const payload = JSON.stringify(manifest, null, 3);
  const formatTail = Buffer.from('\n}').toString('base64url');
  const about = { formatLength: payload.length - 2, formatTail, time: '2015-01-01T00:00:00Z' };
  const signature = {
    header: { alg: 'ES256' },
    signature: 'c2lnbmVk',
    protected: Buffer.from(JSON.stringify(about)).toString('base64url'),
  };
  return { payload, bytes: `${payload.slice(0, -2)},\n   "signatures": [${JSON.stringify(signature)}]\n}` };
}

/** A registry of that age: it knows one image, and nothing newer. */
async function serve(t: Test, manifest: string, blobs: Buffer[]): Promise<string> {
  const contents = new Map<string, Buffer>(blobs.map((blob) => [digestOf(blob), blob]));
  const server = createServer((request, response) => {
    const [, kind, what = ''] = /^\/v2\/old\/(manifests|blobs)\/(.*)$/.exec(request.url ?? '') ?? [];
    const body = kind === 'manifests' ? Buffer.from(manifest) : contents.get(what);
    if (request.url === '/v2/') return response.end('{}');
    if (body === undefined) return response.writeHead(404).end();
    const type = kind === 'manifests' ? mediaType : 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'content-length': body.length });
    return response.end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}/old`;
}

const rootsOf = (t: Test) => {
  const folder = diskFolder(t);
  return { root: path.join(folder, 'root'), state: path.join(folder, 'state') };
};

t.test('an image of schema 1 is read, by its tag and by the digest of what was signed', async (t) => {
  const blobs = [empty, upper, lower];
  const { payload, bytes } = signed(manifestOf(blobs));
  const name = await serve(t, bytes, blobs);
  const digest: Digest = digestOf(Buffer.from(payload));
  const roots = rootsOf(t);
  for (const reference of [`${name}:1`, `${name}@${digest}`]) {
    const { warnings } = await pullImage(roots, reference);
    t.match(warnings, [/schema 1/]);
    const { config, layers } = await provideImage(roots, reference);
    t.match(config.config, { Cmd: ['/b'], Env: ['A=1'] });
    t.match(config.history, [{}, { created_by: '/bin/sh -c add b' }, { empty_layer: true }]);
    t.equal(layers.length, 2, 'what changes no file is no layer');
    t.equal(readFileSync(path.join(layers[0] ?? '', 'b'), 'utf8'), 'upper');
    t.equal(readFileSync(path.join(layers[1] ?? '', 'a'), 'utf8'), 'lower');
    t.match(inspectImage(roots, reference).manifest, { schemaVersion: 2 });
  }
});

t.test(
  'what docker-registry makes of an image for old clients, and what skopeo makes for old registries',
  async (t) => {
    const folder = diskFolder(t);
    const registry = await DockerRegistry.start(t, path.join(folder, 'registry'), { schema1: true });
    const history = [
      { created_by: 'ADD a' },
      { created_by: 'ENV A=1', empty_layer: true },
      { created_by: 'RUN b' },
      { created_by: 'CMD b', empty_layer: true },
    ];
    const { reference } = writeImage(path.join(folder, 'layout'), {
      layers: [
        { tar: await layerTar([{ name: 'a', content: 'lower' }]) },
        { tar: await layerTar([{ name: 'b', content: 'upper' }]) },
      ],
      config: { Cmd: ['b'], Env: ['A=1'], User: '7' },
      history,
    });
    const to = (name: string) => `${registry.host}/${name}:1`;
    const copy = ['--insecure-policy', 'copy', '-q', '--dest-tls-verify=false', '--format'];
    execFileSync('skopeo', [...copy, 'v2s2', reference, `docker://${to('two')}`]);
    execFileSync('skopeo', [...copy, 'v2s1', reference, `docker://${to('one')}`]);
    const proxy = await FaultProxy.start(t, registry.host);
    proxy.instead = ({ headers }) => {
      // As a client of 2015 asks: the registry makes schema 1 of what it has.
      delete headers.accept;
      return false;
    };
    const roots = rootsOf(t);
    const { warnings } = await pullImage(roots, to('two'));
    t.strictSame(warnings, []);
    const { config } = inspectImage(roots, to('two'));
    for (const name of [to('one'), `${proxy.host}/two:1`]) {
      t.match((await pullImage(roots, name)).warnings, [/schema 1/], name);
      const made = inspectImage(roots, name);
      t.match(made.config.config, config.config ?? {}, name);
      t.strictSame(made.config.rootfs, config.rootfs, name);
      t.match(made.config.history, [{}, { empty_layer: true }, {}, { empty_layer: true }], name);
      t.equal((await provideImage(roots, name)).layers.length, 2, name);
    }
  },
);

t.test('what is not as it says is refused', async (t) => {
  const { bytes, payload } = signed(manifestOf([upper, lower]));
  const cases: [string, string, string, RegExp][] = [
    ['another digest', bytes, `@${digestOf(Buffer.from(bytes))}`, /with the digest/],
    [
      'changed after it was signed',
      bytes.replace('"old"', '"odd"'),
      `@${digestOf(Buffer.from(payload))}`,
      /with the digest/,
    ],
    ['no protected part', payload.replace(/\}$/, ',"signatures":[{}]}'), ':1', /signatures/],
    [
      'histories missing',
      JSON.stringify({ ...manifestOf([upper, lower]), history: [] }),
      ':1',
      /2 layers and 0 histories/,
    ],
    ['no such layer', signed(manifestOf([empty, upper])).bytes, ':1', /./],
  ];
  for (const [what, manifest, target, why] of cases) {
    const blobs = what === 'no such layer' ? [upper] : [upper, lower];
    const name = await serve(t, manifest, blobs);
    await t.rejects(pullImage(rootsOf(t), `${name}${target}`), { message: why }, what);
  }
});
