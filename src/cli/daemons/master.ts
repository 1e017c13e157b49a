import { hostname } from 'node:os';
import path from 'node:path';
import { layoutOfHost } from '../../containerizer/container/cgroup-places.js';
import { BerthError } from '../../errors/berth-error.js';
import { peerOwner } from '../../http/peer-owner.js';
import { defaultConfig } from '../../master-lite/config.js';
import { readMasterConfig } from '../../master-lite/config-file.js';
import { masterState, startMaster } from '../../master-lite/master.js';
import type { Roots } from '../../state/roots.js';
import { EmbeddedStore } from '../../state/store/embedded-store.js';
import { report } from '../report.js';
import { awaitEnding } from './ending.js';

export interface MasterRequest {
  roots: Roots;
  note(text: string): void;
  listen?: { host: string; port: number };
  store: string;
  /** A file of its configuration. */
  config?: string;
  /** It ends when its standard input does. */
  endWithStdin: boolean;
}

/** Runs a master until a signal ends it. Reports its own failures: this is a program of its own (scripts/bundle.mjs). */
export async function runMaster(request: MasterRequest): Promise<number> {
  try {
    return await run(request);
  } catch (error) {
    return report(error, 'master');
  }
}

async function run({
  roots,
  note,
  listen,
  store,
  config: file,
  endWithStdin,
}: MasterRequest): Promise<number> {
  if (store !== 'embedded')
    throw new BerthError('USAGE', {
      what: `--store ${store}`,
      why: 'there is no such store',
      mend: 'embedded is the only one.',
    });
  const folder = path.join(roots.root, 'master');
  const config = {
    ...defaultConfig,
    hostname: hostname(),
    folder,
    ...(file === undefined ? {} : readMasterConfig(file)),
    ...listen,
  };
  const { status } = awaitEnding(endWithStdin);
  const master = await startMaster(config, {
    openStore: (options) =>
      EmbeddedStore.open(path.join(folder, 'store'), { ...options, owner: masterState }),
    peerOwner: (socket) => peerOwner(socket, layoutOfHost().unified),
    onDefect: (error) =>
      note(`berth: master: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    onStoreFailure: (error) => {
      report(new BerthError('MASTER_STATE', { what: folder, why: error.message, cause: error }), 'master');
      // Without closing anything: nothing more may be promised.
      process.exit(125);
    },
  });
  note(`master at ${master.url}, state in ${folder}`);
  const result = await status;
  await master.close();
  return result;
}
