import { closedDoor, type Door } from '../settings/door.js';
import type { Permissions } from '../settings/permissions.js';

/** How a master behaves, and where it answers. Durations in seconds. */
export interface MasterConfig extends Door {
  /** What it calls itself in MasterInfo. */
  hostname: string;
  /** The folder of its state. */
  folder: string;
  /** Which principal may do what; unset: everybody who is heard everything. */
  permissions?: Permissions;
  /** What `cluster` is in /state. */
  cluster: string;
  /** Between heartbeats to frameworks, and to watchers of the event stream. */
  heartbeat: number;
  /** Between heartbeats of agents and the master, both ways. */
  agentHeartbeat: number;
  /** Without a sign of life for so long an agent counts as unreachable. */
  agentTimeout: number;
  /** So long after its own start a master waits for the agents it knew before. */
  reregisterTimeout: number;
  /** Finished tasks that are remembered for each framework, and frameworks that have gone. */
  mostCompletedTasks: number;
  mostCompletedFrameworks: number;
  /** A status of an operation that nobody acknowledges is said again after so long, then after twice as long, and so on up to the most. */
  operationRetry: number;
  operationRetryMost: number;
  /** Bytes that may wait for a slow reader of a stream. */
  streamLimit: number;
  /** Bytes of the longest call, or record of an agent. */
  bodyLimit: number;
}

export const defaultConfig: Omit<MasterConfig, 'folder' | 'hostname'> = {
  ...closedDoor,
  port: 5050,
  cluster: '',
  // Below the ten seconds after which a client of Node's gives a silent connection up.
  heartbeat: 5,
  agentHeartbeat: 5,
  agentTimeout: 15,
  reregisterTimeout: 600,
  mostCompletedTasks: 1000,
  mostCompletedFrameworks: 50,
  operationRetry: 10,
  operationRetryMost: 600,
  streamLimit: 64 * 1024 * 1024,
  bodyLimit: 32 * 1024 * 1024,
};
