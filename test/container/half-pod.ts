// Starts a pod up to its second app, says so, and stays there until it is killed: node half-pod.js ROOT STATE MANIFEST NAME
import { writeSync } from 'node:fs';
import { launchPod } from '../../src/containerizer/pod/launch-pod.js';
import { planPod } from '../../src/containerizer/pod/plan-pod.js';
import { readPodManifest } from '../../src/containerizer/pod/read-manifest.js';

const [root = '', state = '', manifest = '', name = ''] = process.argv.slice(2);
const roots = { root, state };
const onWarning = () => {};
const plan = await planPod(roots, readPodManifest(manifest), { name, remove: false, onWarning });
const [, second] = plan.apps;
if (second === undefined) throw new Error('a pod of two apps');
Object.defineProperty(second, 'options', {
  get() {
    writeSync(1, 'half\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
});
await launchPod(roots, plan, null, onWarning);
