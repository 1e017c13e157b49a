import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { podManifestShape } from '../../src/appc-spec/pod-manifest.js';
import { ShapeError } from '../../src/oci-spec/shape.js';

const id = `sha512-${'a'.repeat(128)}`;
const app = { exec: ['/bin/app'], user: '0', group: '0' };
const one = { name: 'one', image: { id } };
const pod = (members: Record<string, unknown> = {}) => ({
  acKind: 'PodManifest',
  acVersion: '0.8.11',
  apps: [one],
  ...members,
});
const volume = (members: Record<string, unknown>) => pod({ volumes: [{ name: 'v', ...members }] });
const inApp = (members: Record<string, unknown>) => pod({ apps: [{ ...one, ...members }] });
const isolator = (name: string, value: unknown) => pod({ isolators: [{ name, value }] });

const right: Record<string, unknown> = {
  least: pod(),
  'no apps': pod({ apps: [] }),
  'lists that Go leaves null': pod({ volumes: null, isolators: null, annotations: null, ports: null }),
  'an empty volume': volume({ kind: 'empty', mode: '0700', uid: 1, gid: 2, readOnly: false }),
  'a folder of the host': volume({ kind: 'host', source: '/srv', readOnly: true, recursive: false }),
  'an app of its own': inApp({ app, readOnlyRootFS: true, mounts: [{ volume: 'v', path: '/v' }] }),
  'a volume of an app': inApp({
    mounts: [{ volume: 'v', path: 'v', appVolume: { name: 'v', kind: 'empty' } }],
  }),
  ports: pod({
    ports: [
      { name: 'www', hostPort: 80, hostIP: '127.0.0.1', podPort: { name: 'w', protocol: 'tcp', port: 8080 } },
    ],
  }),
  isolators: isolator('resource/memory', { limit: '1G' }),
  annotations: pod({
    annotations: [{ name: 'a', value: 'b' }],
    userAnnotations: { 'Any Key': '1' },
    userLabels: {},
  }),
};

/** What actool refuses berth refuses. */
const wrong: Record<string, unknown> = {
  kind: pod({ acKind: 'ImageManifest' }),
  version: pod({ acVersion: '1' }),
  'name of an app': inApp({ name: 'One' }),
  'apps of one name': pod({ apps: [one, one] }),
  'id of an image': inApp({ image: { id: 'sha256-abc' } }),
  'label called name': inApp({ image: { id, labels: [{ name: 'name', value: 'x' }] } }),
  'kind of a volume': volume({ kind: 'other' }),
  'no source': volume({ kind: 'host' }),
  'relative source': volume({ kind: 'host', source: 'srv' }),
  'mode of the host': volume({ kind: 'host', source: '/srv', mode: '0755' }),
  'uid of the host': volume({ kind: 'host', source: '/srv', uid: 1 }),
  'source of an empty one': volume({ kind: 'empty', source: '/srv' }),
  'volumes of one name': pod({ volumes: [1, 2].map(() => ({ name: 'v', kind: 'empty' })) }),
  'app without a user': inApp({ app: { exec: ['x'], group: '0' } }),
  'relative workingDirectory': inApp({ app: { ...app, workingDirectory: 'x' } }),
  quantity: isolator('resource/memory', { limit: 'much' }),
  'empty set': isolator('os/linux/seccomp-retain-set', { set: [] }),
  annotation: pod({ annotations: [{ name: 'No Name', value: '' }] }),
  'annotation twice': pod({ annotations: [1, 2].map(() => ({ name: 'a', value: '' })) }),
  'port of a pod': pod({
    ports: [{ name: 'w', hostPort: 1, podPort: { name: 'w', protocol: 'tcp', port: 70000 } }],
  }),
};

/** What actool lets through, and could not be run as it is. */
const stricter: Record<string, unknown> = {
  'mode in words': volume({ kind: 'empty', mode: 'u+x' }),
  'negative uid': volume({ kind: 'empty', uid: -1 }),
  'port of the host': pod({ ports: [{ name: 'w', hostPort: 70000 }] }),
};

t.test('a pod manifest is what the specification and actool say', async (t) => {
  const folder = mkdtempSync('/tmp/berth-test-');
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'pod.json');
  const actool = (manifest: unknown) => {
    writeFileSync(file, JSON.stringify(manifest));
    return spawnSync('actool', ['validate', '--type', 'manifest', file]).status === 0;
  };
  for (const [what, manifest] of Object.entries(right)) {
    t.doesNotThrow(() => podManifestShape(manifest, ''), what);
    t.ok(actool(manifest), `actool: ${what}`);
  }
  for (const [what, manifest] of Object.entries(wrong)) {
    t.throws(() => podManifestShape(manifest, ''), ShapeError, what);
    t.notOk(actool(manifest), `actool: ${what}`);
  }
  for (const [what, manifest] of Object.entries(stricter))
    t.throws(() => podManifestShape(manifest, ''), ShapeError, what);
  t.match(podManifestShape(right['an empty volume'], ''), {
    volumes: [{ kind: 'empty', mode: 0o700, uid: 1, gid: 2 }],
  });
  t.match(podManifestShape(volume({ kind: 'host', source: '/srv' }), ''), {
    volumes: [{ recursive: true, readOnly: false }],
  });
});
