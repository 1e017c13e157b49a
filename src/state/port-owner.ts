import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * The process that has a port of this host, as `process 4711 (name)`; undefined where none can be found, as one of another pid or network namespace. By the tables
 * of /proc/net, whose tenth column is the socket's number (proc(5)).
 */
export function portOwner(port: number, protocol: 'tcp' | 'udp'): string | undefined {
  const inodes = ['', '6'].flatMap((version) => {
    const lines = textOf(`/proc/net/${protocol}${version}`).split('\n').slice(1);
    return lines.flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const local = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
      const listens = protocol === 'udp' || fields[3] === '0A';
      return local === port && listens && fields[9] !== undefined ? [fields[9]] : [];
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
