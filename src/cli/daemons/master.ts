import { hostname } from 'node:os';
import path from 'node:path';
import { layoutOfHost } from '../../containerizer/container/cgroup-places.js';
import { BerthError } from '../../errors/berth-error.js';
import { peerOwner } from '../../http/peer-owner.js';
import { checkMasterConfig } from '../../master-lite/check.js';
import { defaultConfig, type MasterConfig } from '../../master-lite/config.js';
import { readMasterConfig } from '../../master-lite/config-file.js';
import { masterState, startMaster } from '../../master-lite/master.js';
import { masterSettings } from '../../master-lite/settings.js';
import { ServiceManager } from '../../service/notify.js';
import { type DoorFlags, doorOf } from '../../settings/flags.js';
import type { Roots } from '../../state/roots.js';
import { EmbeddedStore } from '../../state/store/embedded-store.js';
import { report } from '../report.js';
import { checked, configured } from './configure.js';
import { awaitEnding, giveUp, onHangUp } from './ending.js';

export interface MasterRequest {
  roots: Roots;
  note(text: string): void;
  out(text: string): void;
  door: DoorFlags;
  store: string;
  /** A file of its configuration. */
  config?: string;
  /** Only say whether that can be understood. */
  check: boolean;
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

function configOf({ roots, door, config: file }: MasterRequest): MasterConfig {
  return configured<MasterConfig>(masterSettings, {
    defaults: { ...defaultConfig, hostname: hostname(), folder: path.join(roots.root, 'master') },
    file: file === undefined ? {} : readMasterConfig(file),
    flags: doorOf(door),
  });
}

async function run(request: MasterRequest): Promise<number> {
  const { roots, note, store, endWithStdin } = request;
  if (store !== 'embedded')
    throw new BerthError('USAGE', {
      what: `--store ${store}`,
      why: 'there is no such store',
      mend: 'embedded is the only one.',
    });
  if (request.check) {
    const answer = checked('master', request.config);
    checkMasterConfig(configOf(request));
    request.out(answer);
    return 0;
  }
  const config = configOf(request);
  const { folder } = config;
  const manager = new ServiceManager();
  const { status } = awaitEnding(endWithStdin);
  const master = await startMaster(config, {
    roots,
    openStore: (options) =>
      EmbeddedStore.open(path.join(folder, 'store'), { ...options, owner: masterState }),
    peerOwner: (socket) => peerOwner(socket, layoutOfHost().unified),
    note: (text) => note(`master: ${text}`),
    onDefect: (error) =>
      note(`berth: master: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    onStoreFailure: (error) => {
      report(new BerthError('MASTER_STATE', { what: folder, why: error.message, cause: error }), 'master');
      // Without closing anything: nothing more may be promised.
      process.exit(125);
    },
  }).catch(giveUp('master'));
  onHangUp(master.renew);
  const begun = `master at ${master.url}, state in ${folder}`;
  note(begun);
  manager.ready(begun);
  const result = await status;
  manager.stopping();
  await master.close();
  return result;
}
