import { randomInt } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
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
  /** Of the loopback, in plain HTTP. Undefined: they go to the agent's own address. */
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
  const port = await openPort(agent, server, last, config.tlsCert !== '');
  if (port !== undefined) agent.doors.port = port;
  if (agent.doors.port !== last) agent.saveSelf();
  await agent.durable();
}

/** Executors that outlive an agent look for the next one where it was. Undefined: none is needed, and none that is root's alone can be had. */
async function openPort(
  { note }: Pick<Agent, 'note'>,
  server: ApiServer,
  last: number | undefined,
  needed: boolean,
): Promise<number | undefined> {
  const taken = (port: number) =>
    `port ${port} is another program’s now: executors that looked for the agent there do not find it`;
  if (last !== undefined) {
    const port = await attempt(server, last);
    if (port !== undefined) return port;
    note(taken(last));
  }
  for (const each of portsOfRoot()) {
    const port = await attempt(server, each);
    if (port !== undefined) return port;
  }
  return needed ? server.openPort(loopback, 0) : undefined;
}

/** Undefined: somebody has it, or it is not for this user. */
async function attempt(server: ApiServer, port: number): Promise<number | undefined> {
  try {
    return await server.openPort(loopback, port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    return undefined;
  }
}

/** IANA has assigned none of these. */
const unassigned = { first: 914, last: 952 };

/** Where nobody but root may listen (ip(7)): not while the agent is away either, when whoever had its port would be shown the tokens of executors that look for it. In any order. */
function portsOfRoot(): number[] {
  const first = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'latin1'));
  if (first <= unassigned.last) return [];
  const count = unassigned.last - unassigned.first + 1;
  const from = randomInt(count);
  return Array.from({ length: count }, (_, i) => unassigned.first + ((from + i) % count));
}
