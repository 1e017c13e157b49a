import { randomUUID } from 'node:crypto';
import { isIPv4 } from 'node:net';
import path from 'node:path';
import { Authentication, type PeerOwner } from '../http/authentication.js';
import { LiveCertificates } from '../http/live-certificates.js';
import { localPeer } from '../http/peer-owner.js';
import { ApiServer } from '../http/server.js';
import type { MasterInfo } from '../mesos/messages.js';
import { endpointText } from '../settings/endpoint.js';
import type { Roots } from '../state/roots.js';
import type { OpenStore, StoreOwner } from '../state/store/store.js';
import { version } from '../version.js';
import { agentCall } from './agents/endpoint.js';
import { checkMasterConfig } from './check.js';
import { Cluster } from './cluster.js';
import type { MasterConfig } from './config.js';
import { operatorCall } from './operator/endpoint.js';
import { killCall } from './operator/kill.js';
import { addOlderChanges } from './operator/older-changes.js';
import { addPages } from './operator/pages.js';
import { recover } from './recovery.js';
import { schedulerCall } from './scheduler/endpoint.js';

export interface MasterParts {
  /** Where its local socket lies; unset: it has none. */
  roots?: Roots;
  openStore: OpenStore;
  peerOwner: PeerOwner;
  /** Told of what no request can be blamed for. */
  onDefect(error: unknown): void;
  note?(text: string): void;
  /** The state cannot be kept any more: the master must end before it promises anything else. */
  onStoreFailure(error: Error): void;
}

/** Whose its store is. */
export const masterState: StoreOwner = {
  code: 'MASTER_STATE',
  name: 'master',
  mend: 'Move the folder away: the master starts empty, and agents bring their tasks along.',
};

export const masterSocket = (roots: Roots) => path.join(roots.state, 'master', 'master.sock');

/** A master that answers. */
export interface Master {
  readonly cluster: Cluster;
  readonly url: string;
  /** Reads its certificates again. */
  renew(): void;
  close(): Promise<void>;
}

/** Opens the state, takes up what was there, and listens. */
export async function startMaster(config: MasterConfig, parts: MasterParts): Promise<Master> {
  checkMasterConfig(config);
  const certificates = new LiveCertificates(config, parts.note ?? (() => {}));
  const store = await parts.openStore({ onFailure: parts.onStoreFailure, onDefect: parts.onDefect });
  try {
    const info: MasterInfo = masterInfo(config, config.port);
    const cluster = new Cluster(config, store, info);
    recover(cluster);
    const authentication: Authentication = new Authentication(
      config.credentials,
      parts.peerOwner,
      process.getuid?.() ?? 0,
      { holds: (socket) => server.isLocal(socket), peer: localPeer },
    );
    const server: ApiServer = new ApiServer({
      authentication,
      authorization: cluster.authorization,
      certificates,
      bodyLimit: config.bodyLimit,
      bodyTimeout: 60_000,
      // All agents of a large cluster come back at once.
      backlog: 4096,
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
    if (parts.roots !== undefined) await server.listenLocally(masterSocket(parts.roots));
    certificates.watch();
    return {
      cluster,
      url: `${config.tlsCert === '' ? 'http' : 'https'}://${endpointText({ host: config.host, port })}`,
      renew: () => certificates.renew(),
      async close() {
        certificates.close();
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
