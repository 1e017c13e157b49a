import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { loadImage } from '../../src/containerizer/image/load.js';
import { provideImage } from '../../src/containerizer/image/provide.js';
import { pullImage } from '../../src/containerizer/image/pull.js';
import { removeImage } from '../../src/containerizer/image/remove.js';
import { tagImage } from '../../src/containerizer/image/tag.js';
import { identityFits } from '../../src/containerizer/policy/identity.js';
import { requirementsFor } from '../../src/containerizer/policy/scope.js';
import { digestOf, hexOf } from '../../src/oci-spec/digest.js';
import { diskFolder } from '../fixtures/disk-folder.js';
import { Gpg } from '../fixtures/gpg.js';
import { KeylessSigner, type Made } from '../fixtures/keyless-signer.js';
import { layerTar, writeImage } from '../fixtures/oci-image-writer.js';
import { DockerRegistry } from './docker-registry.js';

if (process.geteuid?.() !== 0) t.bailout('the store needs root: owners, capabilities, whiteouts');

const folder = diskFolder(t);
const registry = await DockerRegistry.start(t, path.join(folder, 'registry'));
const repository = `${registry.host}/team/app`;
let made = 0;
const freshRoots = () => {
  const root = path.join(folder, `root-${made++}`);
  return { root, state: path.join(root, 'state') };
};

const imageWith = async (content: string) =>
  writeImage(path.join(folder, `image-${made++}`), {
    layers: [{ tar: await layerTar([{ name: 'file', content }]) }],
  }).reference;

function policyOf(requirements: unknown, transport = 'docker', scope = `${registry.host}/team`): string {
  const file = path.join(folder, `policy-${made++}.json`);
  const document = { default: [{ type: 'reject' }], transports: { [transport]: { [scope]: requirements } } };
  writeFileSync(file, JSON.stringify(document));
  return file;
}

const skopeo = (environment: NodeJS.ProcessEnv, ...words: string[]) =>
  execFileSync('skopeo', ['--insecure-policy', ...words], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });

t.test('simple signing, as skopeo does it', async (t) => {
  const gpg = new Gpg(t, path.join(folder, 'gpg'));
  gpg.key('good@example.com');
  gpg.key('other@example.com', 'rsa2048');
  const keyOf = (user: string) => {
    const file = path.join(folder, `${user}.gpg`);
    writeFileSync(file, gpg.export(user));
    return file;
  };
  const signatures = path.join(folder, 'signatures');
  const registriesFolder = path.join(folder, 'registries.d');
  mkdirSync(registriesFolder);
  writeFileSync(
    path.join(registriesFolder, 'team.yaml'),
    `docker:\n  ${registry.host}/team:\n    sigstore: file://${signatures}\n    sigstore-staging: file://${signatures}\n`,
  );
  const push = async (content: string, tag: string, signer?: string) =>
    skopeo(
      gpg.environment,
      ...['--registries.d', registriesFolder, 'copy', '-q', '--dest-tls-verify=false'],
      ...(signer === undefined ? [] : ['--sign-by', signer]),
      ...[await imageWith(content), `docker://${repository}:${tag}`],
    );
  await push('one', '1', 'good@example.com');
  await push('two', '2', 'other@example.com');
  await push('three', '3');
  const good = [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: keyOf('good@example.com') }];
  const options = { policyFile: policyOf(good), registriesFolder };
  const roots = freshRoots();
  const refuses = (reference: string, message: RegExp, more: object = {}) =>
    t.rejects(pullImage(freshRoots(), reference, { ...options, ...more }), {
      code: 'SIGNATURE_REFUSED',
      message,
    });

  const { manifestDigest } = await pullImage(roots, `${repository}:1`, options);
  const own = path.join(roots.root, 'images/signatures', hexOf(manifestDigest));
  writeFileSync(path.join(own, 'simple-0'), 'of earlier');
  writeFileSync(path.join(own, 'sigstore-0'), 'of another kind');
  await pullImage(roots, `${repository}:1`, options);
  t.match(
    readdirSync(own).sort(),
    ['sigstore-0', /^simple-[0-9a-f]{32}$/],
    'what is gone there counts no more',
  );
  rmSync(path.join(own, 'sigstore-0'));
  t.equal((await provideImage(roots, `${repository}:1`, options)).manifestDigest, manifestDigest);
  await pullImage(freshRoots(), `${repository}@${manifestDigest}`, options);
  await refuses(`${repository}:2`, /not good/);
  await refuses(`${repository}:3`, /it has no signature/);
  await pullImage(freshRoots(), `${repository}:3`, { ...options, insecure: true });
  await refuses(`${repository}:1`, /policy.json rejects it/, {
    policyFile: policyOf(good, 'docker', 'example.com'),
  });
  await refuses(`${repository}:1`, /policy.json rejects it/, { policyFile: policyOf([{ type: 'reject' }]) });
  await pullImage(freshRoots(), `${repository}:3`, {
    policyFile: policyOf([{ type: 'insecureAcceptAnything' }]),
  });

  // What is run is what was verified: by the digest, with what was kept of it, and by the policy of now.
  const strict = { policyFile: policyOf([{ ...good[0], keyPath: keyOf('other@example.com') }]) };
  await t.rejects(provideImage(roots, `${repository}:1`, strict), {
    code: 'SIGNATURE_REFUSED',
    message: /not good/,
  });
  await provideImage(roots, `${repository}:1`, { ...strict, insecure: true });
  await tagImage(roots, `${repository}:1`, 'mine:1');
  await provideImage(roots, 'mine:1', options);
  await t.rejects(
    provideImage(roots, 'mine:1', strict),
    { code: 'SIGNATURE_REFUSED' },
    'under another name as well',
  );
  await t.rejects(
    provideImage(roots, hexOf(manifestDigest).slice(0, 12), strict),
    { code: 'SIGNATURE_REFUSED' },
    'by its id too',
  );
  const before = freshRoots();
  await pullImage(before, `${repository}:3`, { insecure: true });
  await t.rejects(provideImage(before, `${repository}:3`, options), {
    code: 'SIGNATURE_REFUSED',
    message: /no signature/,
  });
  const kept = path.join(roots.root, 'images/signatures');
  t.equal(readdirSync(kept).length, 1);
  for (const name of ['mine:1', `${repository}:1`]) await removeImage(roots, name, () => undefined);
  t.strictSame(readdirSync(kept), [], 'signatures go with their image');

  // Signed for another name, and for another image.
  skopeo(
    gpg.environment,
    'copy',
    '-q',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    `docker://${repository}:1`,
    `docker://${repository}:4`,
  );
  await refuses(`${repository}:4`, /is for the name/);
  const byRepository = [{ ...good[0], signedIdentity: { type: 'matchRepository' } }];
  await pullImage(freshRoots(), `${repository}:4`, { ...options, policyFile: policyOf(byRepository) });
  const below = path.join(signatures, 'team');
  const [first = ''] = readdirSync(below).filter((name) => name.endsWith(hexOf(manifestDigest)));
  const three = (await pullImage(freshRoots(), `${repository}:3`, { insecure: true })).manifestDigest;
  cpSync(path.join(below, first), path.join(below, `app@sha256=${hexOf(three)}`), { recursive: true });
  await refuses(`${repository}:3`, /a signature is for sha256:/);
  // Damaged in any place, it is none.
  const file = path.join(below, first, 'signature-1');
  const content = readFileSync(file);
  for (const at of [10, content.length >> 1, content.length - 3]) {
    const damaged = Buffer.from(content);
    damaged[at] = (damaged[at] ?? 0) ^ 0x40;
    writeFileSync(file, damaged);
    await t.rejects(
      pullImage(freshRoots(), `${repository}:1`, options),
      { code: 'SIGNATURE_REFUSED' },
      `byte ${at}`,
    );
  }
  writeFileSync(file, content);
  await pullImage(freshRoots(), `${repository}:1`, options);
});

/** What a person signs with a key, as cosign has it (its specs/SIGNATURE_SPEC.md). */
function signedBy(key: KeyObject, claim: { reference: string; digest: string }) {
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': claim.reference },
        image: { 'docker-manifest-digest': claim.digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  );
  return { payload, signature: sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', payload, key) };
}

/** Puts a signature beside an image as cosign does, over the registry's own API. */
async function attach(digest: string, { payload, signature, ...beside }: Made): Promise<void> {
  const base = `http://${registry.host}/v2/team/app`;
  const blob = async (content: Buffer) => {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
    const place = new URL(begun.headers.get('location') ?? '', base);
    place.searchParams.set('digest', digestOf(content));
    await fetch(place, { method: 'PUT', body: content });
    return { digest: digestOf(content), size: content.length };
  };
  const config = await blob(Buffer.from('{}'));
  const layer = await blob(payload);
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: [
      {
        mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
        ...layer,
        annotations: {
          'dev.cosignproject.cosign/signature': signature.toString('base64'),
          ...Object.fromEntries(
            Object.entries(beside).map(([name, text]) => [`dev.sigstore.cosign/${name}`, text]),
          ),
        },
      },
    ],
  };
  const put = await fetch(`${base}/manifests/sha256-${hexOf(digest)}.sig`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body: JSON.stringify(manifest),
  });
  if (put.status !== 201) throw new Error(`${put.status} ${await put.text()}`);
}

t.test('sigstore, with a key and without', async (t) => {
  skopeo(
    process.env,
    'copy',
    '-q',
    '--dest-tls-verify=false',
    await imageWith('five'),
    `docker://${repository}:5`,
  );
  const { manifestDigest } = await pullImage(freshRoots(), `${repository}:5`, { insecure: true });
  const pairs = {
    ecdsa: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ed25519: generateKeyPairSync('ed25519'),
    rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  };
  const optionsFor = (
    name: keyof typeof pairs,
    more: object = { signedIdentity: { type: 'matchRepository' } },
  ) => {
    const keyPath = path.join(folder, `${name}.pem`);
    writeFileSync(keyPath, pairs[name].publicKey.export({ type: 'spki', format: 'pem' }));
    return { policyFile: policyOf([{ type: 'sigstoreSigned', keyPath, ...more }]) };
  };
  const pull = (options: object, roots = freshRoots()) => pullImage(roots, `${repository}:5`, options);
  const refuses = (options: object, message: RegExp) =>
    t.rejects(pull(options), { code: 'SIGNATURE_REFUSED', message });
  await refuses(optionsFor('ecdsa'), /it has no signature/);
  const claim = { reference: repository, digest: manifestDigest };
  const contentOf = (name: keyof typeof pairs) => {
    const pem = Buffer.from(pairs[name].publicKey.export({ type: 'spki', format: 'pem' }));
    return {
      keyPath: undefined,
      keyDatas: [pem.toString('base64')],
      signedIdentity: { type: 'matchRepository' },
    };
  };
  for (const name of ['rsa', 'ed25519', 'ecdsa'] as const) {
    await attach(manifestDigest, signedBy(pairs[name].privateKey, claim));
    const roots = freshRoots();
    await pull(optionsFor(name), roots);
    await pull(optionsFor(name, contentOf(name)), roots);
    await provideImage(roots, `${repository}:5`, optionsFor(name));
    await t.rejects(provideImage(roots, `${repository}:5`, optionsFor(name === 'rsa' ? 'ecdsa' : 'rsa')), {
      code: 'SIGNATURE_REFUSED',
    });
    t.pass(name);
  }
  await refuses(optionsFor('rsa'), /no key of the policy made it/);
  await refuses(optionsFor('ecdsa', {}), /is for the name/);
  await attach(manifestDigest, signedBy(pairs.ecdsa.privateKey, { ...claim, digest: digestOf('other') }));
  await refuses(optionsFor('ecdsa'), /a signature is for sha256:/);
  await attach(
    manifestDigest,
    signedBy(pairs.ecdsa.privateKey, { ...claim, reference: 'example.com/other' }),
  );
  await refuses(optionsFor('ecdsa'), /is for the name "example.com\/other"/);
  // Without a key of somebody's own: what came with it is kept, and judged again when the image is run.
  const keyless = new KeylessSigner(folder);
  const policyFor = (more: object) => ({ policyFile: policyOf([keyless.requirement(more)]) });
  const nobody = policyFor({
    fulcio: { ...(keyless.requirement()['fulcio'] as object), subjectEmail: 'b@example.com' },
  });
  await attach(manifestDigest, keyless.sign(claim, keyless.leaf()));
  await refuses(nobody, /its signer is anna@example.com/);
  const roots = freshRoots();
  await pull(policyFor({}), roots);
  await provideImage(roots, `${repository}:5`, policyFor({}));
  await t.rejects(provideImage(roots, `${repository}:5`, nobody), { code: 'SIGNATURE_REFUSED' });
});

t.test('images that come in other ways', async (t) => {
  const reference = await imageWith('six');
  const reject = { policyFile: policyOf([{ type: 'reject' }]) };
  await t.rejects(loadImage(freshRoots(), reference, reject), { code: 'SIGNATURE_REFUSED' });
  await t.rejects(provideImage(freshRoots(), reference, reject), { code: 'SIGNATURE_REFUSED' });
  const place = reference.slice('oci:'.length, reference.lastIndexOf('/'));
  const allowed = { policyFile: policyOf([{ type: 'insecureAcceptAnything' }], 'oci', place) };
  const roots = freshRoots();
  await provideImage(roots, reference, allowed);
  await t.rejects(
    provideImage(roots, reference, reject),
    { code: 'SIGNATURE_REFUSED' },
    'also when it is there already',
  );
  await t.rejects(provideImage(roots, `dir:${folder}`, reject), { code: 'SIGNATURE_REFUSED' });
  const damaged = path.join(folder, 'damaged.json');
  for (const content of [
    '',
    '{}',
    '{"default":[]}',
    '{"default":[{"type":"reject"}],"transport":{}}',
    '{"default":[{"type":"reject","key":1}]}',
  ]) {
    writeFileSync(damaged, content);
    await t.rejects(
      provideImage(roots, reference, { policyFile: damaged }),
      { code: 'TRUST_INVALID' },
      content,
    );
  }
  await t.rejects(provideImage(roots, reference, { policyFile: path.join(folder, 'none') }), {
    code: 'TRUST_INVALID',
  });
  for (const name of readdirSync(folder))
    if (name.startsWith('root-')) rmSync(path.join(folder, name), { recursive: true });
});

t.test('the scope that fits best counts', (t) => {
  const accept = [{ type: 'insecureAcceptAnything' as const }];
  const reject = [{ type: 'reject' as const }];
  const scopes = ['', 'host:5000', 'host:5000/a', 'host:5000/a/b', 'host:5000/a/b:1', '*.example.com'];
  for (const scope of scopes) {
    const policy = { default: reject, transports: { docker: { [scope]: accept } } };
    const accepts = (reference: string) =>
      requirementsFor(policy, { transport: 'docker', scope: reference }) === accept;
    t.equal(accepts('host:5000/a/b:1'), scope !== '*.example.com', `${scope} fits`);
    t.equal(accepts('x.example.com/a:1'), scope === '' || scope === '*.example.com', `${scope} elsewhere`);
    t.equal(accepts('host:5000/ab:1'), scope === '' || scope === 'host:5000', `${scope} beside`);
  }
  const rule = (type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository') => ({ type });
  const digest = `host/a@${digestOf('x')}`;
  t.ok(identityFits(rule('matchExact'), 'host.io/a:1', 'host.io/a:1'));
  t.notOk(identityFits(rule('matchRepoDigestOrExact'), 'host.io/a:2', 'host.io/a:1'));
  t.ok(identityFits(rule('matchRepoDigestOrExact'), 'localhost/a:2', digest.replace('host', 'localhost')));
  t.ok(identityFits(rule('matchExact'), 'busybox:1', 'docker.io/library/busybox:1'));
  const remap = { type: 'remapIdentity' as const, prefix: 'mirror.io/x', signedPrefix: 'vendor.io/y' };
  t.ok(identityFits(remap, 'vendor.io/y/a:1', 'mirror.io/x/a:1'));
  t.notOk(identityFits(remap, 'vendor.io/yz/a:1', 'mirror.io/xz/a:1'));
  t.ok(identityFits({ type: 'exactReference', reference: 'v.io/a:1' }, 'v.io/a:1', undefined));
  t.notOk(
    identityFits({ type: 'exactReference', reference: 'v.io/a' }, 'v.io/a', undefined),
    'a reference without a tag',
  );
  t.end();
});
