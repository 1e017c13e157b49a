import { launchContainer } from '../../../src/containerizer/container/launch.js';
import type { ContainerOptions } from '../../../src/containerizer/container/options.js';
import { sweepShared } from '../../../src/containerizer/container/shared-sweep.js';
import { provideImage } from '../../../src/containerizer/image/provide.js';
import { resolveRoots } from '../../../src/state/roots.js';
import { defaults } from '../../container/stage.js';

/**
 * Launches containers that end at once, one after the other and several at a time in two installations: on a host of systemd's each of the first meets the scope
 * while it goes away with the one before, and the others race for making it. Prints how many ended well.
 */
const reference = `oci:${process.argv[2]}`;
const installations = await Promise.all(
  ['', '/second'].map(async (more) => {
    const { root, state } = resolveRoots({});
    const roots = { root: `${root}${more}`, state: `${state}${more}` };
    return { roots, image: await provideImage(roots, reference) };
  }),
);
const [first] = installations;
if (first === undefined) throw new Error('there are two');

async function one({ roots, image }: (typeof installations)[number]): Promise<number> {
  const options: ContainerOptions = { ...defaults, command: ['true'] };
  const container = await launchContainer(roots, { image, options, client: null });
  const { status } = await container.ended;
  await container.gone;
  return status;
}

const ended: number[] = [];
for (let i = 0; i < 8; i++) {
  ended.push(await one(first));
  sweepShared(first.roots);
}
for (let i = 0; i < 3; i++) ended.push(...(await Promise.all([...installations, first].map(one))));
for (const { roots } of installations) sweepShared(roots);
process.stdout.write(`${ended.filter((status) => status === 0).length} of ${ended.length}\n`);
