import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { type NativeError, native } from '../../native/index.js';
import type { PortWish } from './port-claim.js';

type WantedPort = Omit<PortWish, 'containerPort'>;

/** Why a port of the host cannot be had, with the name of who has it where that can be found out. */
export function portInUse(port: WantedPort, cause: NativeError): BerthError {
  const { first, last, protocol, addresses } = port;
  const number = first === last ? String(first) : `${first}-${last}`;
  const what = `port ${addresses[0] ?? ''}:${number}/${protocol}`;
  if (cause.code === 'EADDRNOTAVAIL') {
    return new BerthError('ADDRESS_IN_USE', {
      what,
      why: 'the host has no such address',
      mend: 'See ip address.',
      cause,
    });
  }
  if (cause.code !== 'EADDRINUSE') {
    return new BerthError('LAUNCH_FAILED', { what, why: `cannot be taken: ${cause.message}`, cause });
  }
  const holder = first === last && first !== 0 ? (publisher(port) ?? owningProcess(port)) : undefined;
  return new BerthError('ADDRESS_IN_USE', {
    what,
    why: first === last ? `${holder ?? 'another process'} has it` : 'all of them are taken',
    mend: 'Choose another, or give only the container port: berth finds a free one.',
    cause,
  });
}

function publisher({ first, protocol }: WantedPort): string | undefined {
  const element = native()
    .publishedPorts()
    .find((each) => each.hostPort === first && each.protocol === protocol);
  return element === undefined ? undefined : `container ${element.owner.split('/')[1] ?? element.owner}`;
}

/** The process with a socket on it: by the tables of /proc/net, whose tenth column is the socket's number (proc(5)). */
function owningProcess({ first, protocol }: WantedPort): string | undefined {
  const inodes = ['', '6'].flatMap((version) => {
    const lines = textOf(`/proc/net/${protocol}${version}`).split('\n').slice(1);
    return lines.flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const local = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
      const listens = protocol === 'udp' || fields[3] === '0A';
      return local === first && listens && fields[9] !== undefined ? [fields[9]] : [];
    });
  });
  if (inodes.length === 0) return undefined;
  const links = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && hasSocket(name, links));
  return pid === undefined ? undefined : `process ${pid} (${textOf(`/proc/${pid}/comm`).trim()})`;
}

function hasSocket(pid: string, links: Set<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => links.has(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // gone meanwhile
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
