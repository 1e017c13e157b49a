import { statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { Resource } from '../../mesos/messages.js';
import { parseResources } from './parse.js';

const megabyte = 1024 * 1024;
/** Megabytes that are left to the host: so many, or half of what there is if that is less than twice as much. */
const headroom = { mem: 1024, disk: 5 * 1024 };

/** What the agent offers: what `text` says, and of the usual kinds that it does not name what this host has. `folder`: whose disk counts. */
export function agentResources(text: string, folder: string): Resource[] {
  const given = parseResources(text);
  const named = new Set(given.map(({ name }) => name));
  return [...given, ...detected(folder).filter(({ name }) => !named.has(name))];
}

function detected(folder: string): Resource[] {
  const { blocks, bsize } = statfsSync(folder);
  return [
    scalar('cpus', availableParallelism()),
    scalar('mem', left(totalmem() / megabyte, headroom.mem)),
    scalar('disk', left((blocks * bsize) / megabyte, headroom.disk)),
    { name: 'ports', type: 'RANGES', ranges: { range: [{ begin: 31_000, end: 32_000 }] } },
  ];
}

function left(total: number, kept: number): number {
  return Math.floor(total >= kept * 2 ? total - kept : total / 2);
}

function scalar(name: string, value: number): Resource {
  return { name, type: 'SCALAR', scalar: { value } };
}
