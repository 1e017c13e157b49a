import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { loadImage } from '../../src/containerizer/image/load.js';
import { pullImage } from '../../src/containerizer/image/pull.js';
import { pushImage } from '../../src/containerizer/image/push.js';
import { unpackImage } from '../../src/containerizer/image/unpack-image.js';
import type { TransferLimits } from '../../src/containerizer/registry/limits.js';
import { digestOf } from '../../src/oci-spec/digest.js';
import { berthCommand } from '../cli/berth.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { treeOf } from '../image/tree.js';
import { DockerRegistry } from './docker-registry.js';
import { cutAfter, type Fault, FaultProxy, onBlobs } from './fault-proxy.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t);
const place = (name: string) => path.join(folder, name);
let made = 0;
const freshRoots = () => {
  const base = place(`store-${made++}`);
  return { root: path.join(base, 'root'), state: path.join(base, 'state') };
};
const inStore = (roots: { root: string }, name: string) => path.join(roots.root, 'images', name);
const kept = (roots: { root: string }, ...names: string[]) =>
  names.flatMap((name) => (existsSync(inStore(roots, name)) ? readdirSync(inStore(roots, name)) : []));

/** It does not get smaller: what is cut is in the middle of it. */
const noise = (name: string) => layerTar([{ name, content: randomBytes(400_000) }]);
const plain = async (name: string) => {
  const tar = await noise(name);
  return { tar, blob: tar, mediaType: 'application/vnd.oci.image.layer.v1.tar' };
};
const layers = [await plain('a'), { tar: await noise('b') }];
const image = writeImage(place('image'), { layers });
const blobs = layers.map(({ tar, ...rest }) => ('blob' in rest ? rest.blob : tar));
const registry = await DockerRegistry.start(t, place('registry'));
await loadImage({ root: place('own'), state: place('own') }, image.reference, { name: 'a:1' });
await pushImage({ root: place('own'), state: place('own') }, 'a:1', `${registry.host}/a:1`);
await unpackImage(freshRoots(), image.reference, place('expected'));
const expected = treeOf(place('expected'));

const proxy = await FaultProxy.start(t, registry.host);
const reference = `${proxy.host}/a:1`;
/** Short waits, so that a test is not one; patience as it is, so that a slow machine is no fault. */
const quick = { firstDelay: 1, longestDelay: 20, attempts: 4, parallel: 1 };
const pull = (
  roots: { root: string; state: string },
  limits: Partial<TransferLimits> = {},
  retries: string[] = [],
) => {
  return pullImage(roots, reference, {
    limits: { ...quick, ...limits },
    onRetry: (reason) => retries.push(reason),
    environment: {
      CONTAINERS_REGISTRIES_CONF: place('none'),
      HOME: place('home'),
      XDG_RUNTIME_DIR: place('run'),
    },
  }).then((pulled) => ({ ...pulled, retries }));
};
const within = (fault: Fault) => {
  proxy.seen.length = 0;
  proxy.fault = fault;
};

/** It comes to a good end, with these reasons for trying again on the way. */
async function mends(
  t: Test,
  name: string,
  fault: Fault,
  reasons: RegExp[],
  limits: Partial<TransferLimits> = {},
) {
  within(fault);
  const roots = freshRoots();
  const { retries, name: stored } = await pull(roots, limits);
  t.match(retries, reasons, name);
  const tree = place(`tree-${made++}`);
  await unpackImage(roots, stored, tree);
  t.strictSame(treeOf(tree), expected, `${name}: the image is whole`);
  t.strictSame(kept(roots, 'downloads', 'sessions'), [], `${name}: nothing half is left`);
  return roots;
}

/** It comes to a good end, and on the way it is tried again for this reason, after whatever others a slow machine gives. */
async function mendsOnceTold(t: Test, name: string, fault: Fault, reason: RegExp) {
  const retries: string[] = [];
  const told = () => retries.some((each) => reason.test(each));
  within(onBlobs((...given) => !told() && fault(...given)));
  const roots = freshRoots();
  await pull(roots, { attempts: 1000, patience: 1000, leastBytes: 1024 }, retries);
  t.ok(told(), name);
  t.strictSame(kept(roots, 'downloads', 'sessions'), [], `${name}: nothing half is left`);
}

/** It ends in one clear line, and the store has nothing of the image. */
async function refuses(
  t: Test,
  name: string,
  fault: Fault,
  code: string,
  message: RegExp,
  limits: Partial<TransferLimits> = {},
) {
  within(fault);
  const roots = freshRoots();
  await t.rejects(pull(roots, limits), { code, message }, name);
  t.strictSame(
    kept(roots, 'blobs/sha256', 'layers', 'sessions', '../trash'),
    [],
    `${name}: nothing half is left`,
  );
  t.strictSame(
    kept(roots, 'locks').sort(),
    existsSync(inStore(roots, 'locks'))
      ? ['index', 'store'].filter((each) => kept(roots, 'locks').includes(each))
      : [],
    name,
  );
  return roots;
}

const answer =
  (status: number, headers: Record<string, string>): Fault =>
  (_seen, _original, response) => {
    response.writeHead(status, headers).end('{"errors":[{"code":"X","message":"not now"}]}');
    return true;
  };

t.test('connections that are cut', async (t) => {
  await mends(t, 'once', onBlobs(cutAfter(100_000), 1), [/the connection was cut/]);
  t.strictSame(proxy.blobs().slice(1, 3), [undefined, 'bytes=100000-'], 'only the rest is asked for');
  await mends(
    t,
    'again and again, at other places each time',
    onBlobs(cutAfter(130_001), 6),
    Array(5).fill(/the connection was cut/),
  );
  const ignoresRanges: Fault = (seen, original, response) => {
    if (seen.headers.range === undefined) return cutAfter(50_000)(seen, original, response);
    const whole = blobs[0] as Buffer;
    response.writeHead(200, { 'content-length': String(whole.length) }).end(whole);
    return true;
  };
  await mends(t, 'a server that knows no ranges', onBlobs(ignoresRanges, 2), [/the connection was cut/]);
  const elsewhere: Fault = (seen, original, response) => {
    if (seen.headers.range === undefined) return cutAfter(50_000)(seen, original, response);
    response.writeHead(206, { ...original.headers, 'content-range': 'bytes 7-9/10' }).end(original.body);
    return true;
  };
  await mends(t, 'another part than was asked for', onBlobs(elsewhere, 2), [
    /the connection was cut/,
    /another part/,
  ]);
  await refuses(
    t,
    'no byte ever comes',
    onBlobs(cutAfter(0)),
    'REGISTRY_FAILED',
    /the connection was cut, 4 times in a row/,
  );
});

t.test('what has come is kept for the next pull', async (t) => {
  const roots = await refuses(t, 'cut', onBlobs(cutAfter(70_000)), 'REGISTRY_FAILED', /was cut/, {
    attempts: 1,
  });
  const [first = ''] = kept(roots, 'downloads');
  t.equal(statSync(inStore(roots, `downloads/${first}`)).size, 70_000);
  within(() => false);
  await pull(roots);
  t.strictSame(proxy.blobs().slice(1), ['bytes=70000-', undefined]);
  t.strictSame(kept(roots, 'downloads'), []);
});

t.test('what nobody comes back for goes', async (t) => {
  const roots = await refuses(t, 'cut', onBlobs(cutAfter(60_000)), 'REGISTRY_FAILED', /was cut/, {
    attempts: 1,
  });
  const [first = ''] = kept(roots, 'downloads');
  const old = inStore(roots, `downloads/${first}`);
  const long = Date.now() / 1000 - 8 * 24 * 3600;
  utimesSync(old, long, long);
  within(() => false);
  await pull(roots);
  t.equal(proxy.blobs()[1], undefined, 'it is fetched from its start');
});

t.test('kill -9 in the middle', async (t) => {
  const roots = freshRoots();
  const stuck: ServerResponse[] = [];
  within(
    onBlobs((_seen, { status, headers, body }, response) => {
      response.writeHead(status, headers);
      response.write(body.subarray(0, 90_000));
      stuck.push(response);
      return true;
    }),
  );
  const [file = '', ...words] = [
    ...berthCommand,
    'image',
    'pull',
    '--root',
    roots.root,
    '--state',
    roots.state,
    reference,
  ];
  const child = spawn(file, words, { stdio: 'ignore' });
  const first = digestOf(blobs[0] as Buffer).slice(7);
  const size = () => statSync(inStore(roots, `downloads/${first}`), { throwIfNoEntry: false })?.size;
  for (let waited = 0; size() !== 90_000 && waited < 3000; waited++) await sleep(10);
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (const response of stuck) response.destroy();
  within(() => false);
  await pull(roots);
  t.ok(proxy.blobs().includes('bytes=90000-'), 'the next one goes on from there');
  t.strictSame(kept(roots, 'downloads', 'sessions'), []);
});

t.test('what is sent is not the blob', async (t) => {
  const corrupt: Fault = (_seen, { status, headers, body }, response) => {
    const wrong = Buffer.from(body);
    wrong[150_000] = (wrong[150_000] ?? 0) ^ 1;
    response.writeHead(status, headers).end(wrong);
    return true;
  };
  await mends(t, 'once', onBlobs(corrupt, 1), []);
  await refuses(
    t,
    'always',
    onBlobs(corrupt),
    'IMAGE_CORRUPT',
    /^image .*, layer 1 of 2: its digest should be sha256:[0-9a-f]{64} and is sha256:[0-9a-f]{64}, twice$/,
  );
  const truncated: Fault = (_seen, { status, headers, body }, response) => {
    response.writeHead(status, { ...headers, 'content-length': '100' }).end(body.subarray(0, 100));
    return true;
  };
  await mends(t, 'cut short, and it says so', onBlobs(truncated, 1), [/announces 100 bytes instead of \d+$/]);
  const open: Fault = (_seen, { status, headers, body }, response) => {
    const { 'content-length': _, ...rest } = headers;
    response.writeHead(status, rest).end(body.subarray(0, 100_000));
    return true;
  };
  await mends(t, 'cut short, without a length', onBlobs(open, 1), [/ends in the middle of a blob/]);
  const endless: Fault = (_seen, { status, headers, body }, response) => {
    const { 'content-length': _, ...rest } = headers;
    response.writeHead(status, rest);
    response.write(body);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', more);
    more();
    return true;
  };
  await mends(t, 'endless, once', onBlobs(endless, 1), []);
  await refuses(
    t,
    'endless',
    onBlobs(endless),
    'IMAGE_CORRUPT',
    /sends more than the \d+ bytes of the blob, twice$/,
  );
});

t.test('servers that are busy, broken or slow', async (t) => {
  await mends(t, '429', onBlobs(answer(429, { 'retry-after': new Date(0).toUTCString() }), 2), [
    /asked too often \(429\): not now$/,
    /429/,
  ]);
  await refuses(t, 'always 429', onBlobs(answer(429, {})), 'REGISTRY_LIMITED', /asked too often/);
  await mends(t, '500 and 503', onBlobs(answer(503, {}), 3), [/answers 503: not now/, /503/, /503/]);
  await refuses(
    t,
    'always 500',
    answer(500, {}),
    'REGISTRY_FAILED',
    /^image .*: 127\.0\.0\.1:\d+ answers 500: not now, 4 times in a row$/,
  );
  await refuses(t, '404', onBlobs(answer(404, {})), 'IMAGE_NOT_FOUND', /does not have it/);
  const drip: Fault = (_seen, { status, headers, body }, response) => {
    response.writeHead(status, headers);
    response.write(body.subarray(0, 20_000));
    let at = 20_000;
    const timer = setInterval(() => response.write(body.subarray(at, ++at)), 20);
    response.on('close', () => clearInterval(timer));
    return true;
  };
  await mendsOnceTold(t, 'a drip', drip, /sends too slowly/);
  const silent: Fault = () => true;
  await mendsOnceTold(t, 'silence', silent, /does not answer/);
});

t.test('manifests', async (t) => {
  const onManifest =
    (fault: Fault): Fault =>
    (seen, original, response) =>
      seen.url.includes('/manifests/') && fault(seen, original, response);
  const lies = onManifest((_seen, { status, headers, body }, response) => {
    const header = { ...headers, 'docker-content-digest': `sha256:${'0'.repeat(64)}` };
    response.writeHead(status, header).end(body);
    return true;
  });
  within(lies);
  t.equal(
    (await pull(freshRoots())).manifestDigest,
    image.manifestDigest,
    'what it says of the digest is not believed',
  );
  within(
    onManifest((_seen, { headers }, response) => {
      const other = Buffer.from(JSON.stringify({ schemaVersion: 2 }));
      response.writeHead(200, { ...headers, 'content-length': String(other.length) }).end(other);
      return true;
    }),
  );
  const byDigest = `${proxy.host}/a@${image.manifestDigest}`;
  await t.rejects(pullImage(freshRoots(), byDigest, { limits: quick }), {
    code: 'IMAGE_CORRUPT',
    message: /sends a manifest with the digest sha256:[0-9a-f]{64} for sha256:/,
  });
  const huge = onManifest((_seen, { headers }, response) => {
    const { 'content-length': _, ...rest } = headers;
    response.writeHead(200, rest);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
    };
    response.on('drain', more);
    more();
    return true;
  });
  await refuses(t, 'endless', huge, 'IMAGE_HOSTILE', /it has more than 4194304 bytes/);
  const broken = onManifest((_seen, { headers }, response) => {
    response.writeHead(200, { ...headers, 'content-length': '3' }).end('{"a');
    return true;
  });
  await refuses(t, 'no JSON', broken, 'IMAGE_INVALID', /not JSON|not a known kind of manifest/);
});

t.test('redirects: what says who asks stays where it belongs', async (t) => {
  const elsewhere = await FaultProxy.start(t, registry.host);
  const known = { user: 'person', password: 'secret' };
  const asks: Fault = (seen, original, response) => {
    if (seen.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      return true;
    }
    if (!seen.url.includes('/blobs/')) return false;
    response.writeHead(307, { location: `http://a:b@${elsewhere.host}${seen.url}?signed=1` }).end();
    return original.status > 0;
  };
  within(asks);
  const options = { limits: quick, credentials: { kind: 'password' as const, ...known } };
  t.ok(await pullImage(freshRoots(), reference, options));
  t.ok(proxy.seen.some(({ headers }) => headers.authorization !== undefined));
  t.equal(elsewhere.seen.length, 3, 'the configuration and two layers came from elsewhere');
  t.strictSame(
    elsewhere.seen.filter(({ headers }) => 'authorization' in headers),
    [],
  );
  const round: Fault = (seen, _original, response) => {
    response.writeHead(302, { location: seen.url }).end();
    return true;
  };
  await refuses(t, 'round and round', round, 'REGISTRY_FAILED', /redirects more than 5 times/);
  const file: Fault = (_seen, _original, response) => {
    response.writeHead(302, { location: 'file:///etc/shadow' }).end();
    return true;
  };
  await refuses(t, 'to a file', file, 'REGISTRY_FAILED', /redirects to file:/);
});

t.test('a disk on which it cannot fit', async (t) => {
  const small = place('small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  t.teardown(() => execFileSync('umount', [small]));
  const roots = { root: path.join(small, 'root'), state: path.join(small, 'state') };
  within(() => false);
  await t.rejects(pull(roots), {
    code: 'NO_SPACE',
    message: /it needs \d+ bytes .* and at least \d+ unpacked, and .* has \d+ free: \d+ are missing$/,
  });
  t.strictSame(proxy.blobs().length, 1, 'no layer was asked for');
});
