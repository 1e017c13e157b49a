import { constants } from 'node:os';
import path from 'node:path';
import { BerthError } from '../errors/berth-error.js';
import { installationFolder } from '../installation.js';
import type { Native } from './native.js';

export type * from './aci.js';
export type * from './archive.js';
export * from './copy.js';
export type * from './layer-image.js';
export * from './native.js';
export * from './native-error.js';
export type * from './network.js';
export type * from './pack.js';
export type * from './probe.js';
export * from './sample.js';
export type { BlobGrowth, Compression, LayersBelow } from './unpack.js';

/** The static supervisor that the addon starts for each container. */
export const supervisorProgram = path.join(installationFolder, 'build/Release/berth-init');

/** The first process of a pod, which answers for its metadata service. */
export const metadataProgram = path.join(installationFolder, 'build/Release/berth-metadata');

let loaded: Native | undefined;

/** The addon, loaded on first use. The only place in the project that loads it. */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  const file = path.join(installationFolder, 'build/Release/berth.node');
  // Its own libraries before what Node has of them: newer ones carry a simdjson and a zstd of other versions, which would be taken (dlopen(3), RTLD_DEEPBIND).
  const { RTLD_LAZY, RTLD_DEEPBIND } = constants.dlopen;
  const module = { exports: {} };
  try {
    process.dlopen(module, file, RTLD_LAZY | RTLD_DEEPBIND);
    return module.exports as Native;
  } catch (cause) {
    throw new BerthError('NOT_BUILT', {
      what: 'native addon',
      why: cause instanceof Error ? (cause.message.split('\n')[0] ?? 'cannot be loaded') : String(cause),
      mend: `Run ./dev build in berth's folder with the Node that runs it (${process.version}).`,
      cause,
    });
  }
}
