import { createWriteStream, existsSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Argument, InvalidArgumentError } from 'commander';
import { BerthError } from '../../errors/berth-error.js';
import type { AgentClient } from '../cluster/agent-client.js';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findSandbox, patience, type RemoteSandbox } from '../cluster/sandbox.js';
import { write } from '../output.js';
import { usageError } from '../report.js';
import { type Column, table } from '../table.js';
import type { Context, Verb } from '../verb.js';

interface Flags {
  master?: string;
  ca?: string;
  offset: number;
  length?: number;
  output?: string;
}

/** As /files/browse has it. */
interface BrowsedFile {
  path: string;
  size: number;
  mtime: number;
  mode: string;
  nlink: number;
  uid: string;
  gid: string;
}

const actions: Record<string, (context: Context, place: Place, flags: Flags) => Promise<void>> = {
  ls: listFiles,
  read: readFile,
  download: downloadFile,
};

interface Place {
  agent: AgentClient;
  /** The whole path, and what of it is in the sandbox. */
  path: string;
  inside: string;
}

export const verb: Verb = {
  summary: "Look at the files of a task's sandbox",
  example: 'berth task files ls web-1 logs',
  declare(command) {
    masterFlag(command)
      .addArgument(new Argument('<action>', 'what to do').choices(Object.keys(actions)))
      .argument('<task>', 'its id, or the beginning of it')
      .argument('[path]', 'in the sandbox')
      .option('--offset <bytes>', 'read: from there on', bytes, 0)
      .option('--length <bytes>', 'read: at most so much', bytes)
      .option('-o, --output <file>', 'download: a new file (default: the name that it has there)');
  },
  async run(context, [action = '', name = '', inside = ''], given) {
    const flags = given as unknown as Flags;
    const sandbox: RemoteSandbox = await findSandbox(new MasterClient(flags), name);
    const place = { ...sandbox, inside, path: `${sandbox.path}/${inside}`.replace(/\/+$/, '') };
    try {
      await actions[action]?.(context, place, flags);
    } catch (error) {
      throw aboutFile(error, name, inside);
    }
    return 0;
  },
};

/** What an agent says of a file, with the name of the file. */
function aboutFile(error: unknown, task: string, inside: string): unknown {
  if (!(error instanceof BerthError) || error.code !== 'AGENT_REFUSED' || error.mend !== undefined)
    return error;
  return new BerthError(error.code, {
    what: `task ${task}, ${inside === '' ? 'its sandbox' : `file ${inside}`}`,
    why: error.why,
    mend: `berth task files ls ${task} shows what there is.`,
    cause: error,
  });
}

async function listFiles({ json, out }: Context, place: Place): Promise<void> {
  const found = await place.agent.json<BrowsedFile[]>('/files/browse', { path: place.path }, patience);
  const files = found.map((file) => ({
    name: path.posix.basename(file.path),
    ...{ size: file.size, mode: file.mode, nlink: file.nlink },
    modified_at: new Date(file.mtime * 1000).toISOString(),
    ...{ uid: Number(file.uid), gid: Number(file.gid) },
  }));
  if (json) {
    out(`${JSON.stringify({ files })}\n`);
    return;
  }
  const rows = files.map((file) => [
    file.mode,
    String(file.uid),
    String(file.gid),
    String(file.size),
    file.modified_at,
    printable(file.name),
  ]);
  out(table(columns, rows));
}

/** Names are the task's; none may speak to a terminal. */
const printable = (name: string) => name.replace(/\p{C}/gu, '?');

async function readFile(context: Context, place: Place, { offset, length }: Flags): Promise<void> {
  const parts: Buffer[] = [];
  const response = await place.agent.get('/files/download', { path: place.path }, patience);
  let passed = 0;
  const end = length === undefined ? Number.POSITIVE_INFINITY : offset + length;
  for await (const piece of response) {
    const part = (piece as Buffer).subarray(Math.max(0, offset - passed), Math.max(0, end - passed));
    passed += (piece as Buffer).length;
    if (context.json) parts.push(part);
    else write(1, part);
    if (passed >= end) break;
  }
  if (!context.json) return;
  const data = Buffer.concat(parts);
  const { inside: path } = place;
  context.out(`${JSON.stringify({ path, offset, length: data.length, data: data.toString('base64') })}\n`);
}

async function downloadFile({ json, out }: Context, place: Place, { output }: Flags): Promise<void> {
  // The name is what was asked for here, not what somebody there answers.
  const file = output ?? path.posix.basename(place.inside || 'sandbox');
  const response = await place.agent.get('/files/download', { path: place.path }, patience);
  if (existsSync(file))
    throw usageError(file, 'there is such a file already', 'Name another one with --output.');
  const target = createWriteStream(file, { flags: 'wx' });
  await pipeline(response, target);
  if (json) out(`${JSON.stringify({ file, bytes: target.bytesWritten })}\n`);
}

function bytes(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a number of bytes.');
}

const columns: Column[] = [
  { header: 'MODE' },
  { header: 'UID', align: 'right' },
  { header: 'GID', align: 'right' },
  { header: 'SIZE', align: 'right' },
  { header: 'MODIFIED' },
  { header: 'NAME' },
];
