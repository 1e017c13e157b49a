import { randomUUID } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { BerthError } from '../errors/berth-error.js';
import { Authentication, loopback, type PeerOwner } from '../http/authentication.js';
import { ApiServer } from '../http/server.js';
import type { MasterInfo } from '../mesos/messages.js';
import type { OpenStore, StoreOwner } from '../state/store/store.js';
import { version } from '../version.js';
import { agentCall } from './agents/endpoint.js';
import { Cluster } from './cluster.js';
import type { MasterConfig } from './config.js';
import { operatorCall } from './operator/endpoint.js';
import { killCall } from './operator/kill.js';
import { addOlderChanges } from './operator/older-changes.js';
import { addPages } from './operator/pages.js';
import { recover } from './recovery.js';
import { schedulerCall } from './scheduler/endpoint.js';

export interface MasterParts {
  openStore: OpenStore;
  peerOwner: PeerOwner;
  /** Told of what no request can be blamed for. */
  onDefect(error: unknown): void;
  /** The state cannot be kept any more: the master must end before it promises anything else. */
  onStoreFailure(error: Error): void;
}

/** Whose its store is. */
export const masterState: StoreOwner = {
  code: 'MASTER_STATE',
  name: 'master',
  mend: 'Move the folder away: the master starts empty, and agents bring their tasks along.',
};

/** A master that answers. */
export interface Master {
  readonly cluster: Cluster;
  readonly url: string;
  close(): Promise<void>;
}

/** Opens the state, takes up what was there, and listens. */
export async function startMaster(config: MasterConfig, parts: MasterParts): Promise<Master> {
  refuseOpenDoor(config);
  const store = await parts.openStore({ onFailure: parts.onStoreFailure, onDefect: parts.onDefect });
  try {
    const info: MasterInfo = masterInfo(config, config.port);
    const cluster = new Cluster(config, store, info);
    recover(cluster);
    const server = new ApiServer({
      authentication: new Authentication(config.credentials, parts.peerOwner, process.getuid?.() ?? 0),
      bodyLimit: config.bodyLimit,
      bodyTimeout: 60_000,
      onDefect: parts.onDefect,
    });
    server.calls(['/api/v1/scheduler', '/master/api/v1/scheduler'], (exchange) =>
      schedulerCall(cluster, exchange),
    );
    server.calls(['/api/v1/agent'], (exchange) => agentCall(cluster, exchange));
    server.calls(['/api/v1', '/master/api/v1'], (exchange) => operatorCall(cluster, exchange));
    server.calls(['/berth/v1/kill-task'], (exchange) => killCall(cluster, exchange));
    addPages(cluster, server);
    addOlderChanges(cluster, server);
    const port = await server.listen(config.host, config.port);
    Object.assign(info, masterInfo(config, port, info.id));
    return {
      cluster,
      url: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
      async close() {
        cluster.ending = true;
        cluster.watchers.end();
        // In order: some clients come back only when their stream has an end.
        for (const { link } of cluster.frameworks.values()) link?.end();
        for (const { link } of cluster.agents.values()) link?.end();
        await server.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function masterInfo(config: MasterConfig, port: number, id = randomUUID() as string): MasterInfo {
  const { hostname } = config;
  const ip = isIPv4(config.host) ? config.host : '127.0.0.1';
  return {
    id,
    // As inet_addr(3) has it: the first byte is the lowest.
    ip: ip.split('.').reduceRight((sum, byte) => sum * 256 + Number(byte), 0),
    port,
    pid: `master@${ip}:${port}`,
    hostname,
    version,
    address: { hostname, ip, port },
    capabilities: [{ type: 'AGENT_UPDATE' }, { type: 'AGENT_DRAINING' }, { type: 'QUOTA_V2' }],
  };
}

/** On an address that others reach, everybody without credentials is turned away: with none there is nobody to let in. */
function refuseOpenDoor({ host, credentials }: MasterConfig): void {
  if (loopback(host) || host === 'localhost') return;
  if (credentials.passwords.length + credentials.tokens.length > 0) return;
  throw new BerthError('USAGE', {
    what: `--listen ${host}`,
    why: 'others can reach this address, and there are no credentials for them',
    mend: 'Write credentials into the file of --config.',
  });
}
