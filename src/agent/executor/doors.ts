import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { ApiServer } from '../../http/server.js';
import type { Agent } from '../agent.js';

/** The socket, in its folder. */
export const doorSocket = 'agent.sock';

const loopback = '127.0.0.1';

/** Where executors find their agent, beside its own address. */
export interface ExecutorDoors {
  /** Of a local socket, which their containers see: each agent makes it anew. Undefined: its name would be too long. */
  folder?: string;
  /** Of the loopback, in plain HTTP. Undefined: the agent's own address speaks that. */
  port?: number;
}

/** HOST:PORT for an executor on the host's network. */
export const hostEndpoint = ({ doors, endpoint }: Pick<Agent, 'doors' | 'endpoint'>): string =>
  doors.port === undefined ? endpoint : `${loopback}:${doors.port}`;

/**
 * Opens what executors come in by, and nobody else. They know of no certificate: the libraries that there are speak plain HTTP, to a port or to a local socket (the reference's
 * `MESOS_DOMAIN_SOCKET`). Neither leaves this host.
 */
export async function openDoors(agent: Agent, server: ApiServer): Promise<void> {
  const { roots, config } = agent;
  const folder = path.join(roots.state, 'agent', 'executors');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  const place = path.join(folder, doorSocket);
  // Their users are many; each has a token to show. Others on this host cannot reach the folder.
  if (await server.openApart(place, 0o666)) agent.doors.folder = folder;
  else agent.note(`no local socket for executors: ${place} is longer than such a name may be`);
  const last = agent.doors.port;
  delete agent.doors.port;
  if (config.tlsCert !== '') agent.doors.port = await openPort(agent, server, last);
  if (agent.doors.port !== last) agent.saveSelf();
  await agent.durable();
}

/** Executors that outlive an agent look for the next one where it was. */
async function openPort({ note }: Pick<Agent, 'note'>, server: ApiServer, last = 0): Promise<number> {
  try {
    return await server.openPort(loopback, last);
  } catch (error) {
    if (last === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
  }
  note(`port ${last} is another program’s now: executors that looked for the agent there do not find it`);
  return server.openPort(loopback, 0);
}
