import { closeSync, createReadStream, lstatSync, readdirSync, readSync, type Stats } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { HttpError } from '../../http/http-error.js';
import type { Roots } from '../../state/roots.js';
import { isPathPart, parseSandboxPath, type SandboxPlace, sandboxFolder } from '../sandbox/place.js';
import { latestRun, logFolder } from '../sandbox/sandbox.js';
import { SandboxEntry } from './open.js';
import { type Stream, StreamFile } from './stream-file.js';

/** One file or folder, as it is listed. Times in milliseconds since 1970. */
export interface ListedFile {
  /** As it is to be asked for. */
  path: string;
  size: number;
  mtime: number;
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
}

export interface FilePart {
  /** Of the whole file. */
  size: number;
  data: Buffer;
}

/** Bytes that are read in one go, as the reference has it: sixteen pages. */
const longestPart = 64 * 1024;
const mostEntries = 10_000;
/** `stdout` is of the log that is being written, `stdout.1` of the one before, and so on. */
const streamName = /^(stdout|stderr)(?:\.(\d{1,2}))?$/;
const plainFile = 0o100644;

interface Place {
  folder: string;
  /** In whose sandbox it lies: the innermost. */
  container: string;
  /** Where that container's log lies. */
  logs: string;
  /** The way from `folder`, and from that container's own sandbox. */
  rest: string;
  own: string;
}

/** Sandboxes that are known by more than the folder that they lie in. */
export interface KnownSandboxes {
  /** The container whose sandbox these folders of another's are: `containers`, its name, and so on. Undefined: they are the task's own. */
  nested(root: string, folders: readonly string[]): string | undefined;
  /** That of a task which is its executor's. */
  task(executor: SandboxPlace, taskId: string): SandboxPlace | undefined;
}

/**
 * Sandboxes as their tasks see them, for whoever may ask. A task has made what is in them: they are entered by handles alone, and only regular files are opened. What a
 * program writes to its standard output is in the log of its container; here it stands as the files `stdout` and `stderr`, in place of any that a task has made of those names.
 */
export class SandboxFiles {
  constructor(
    private readonly roots: Roots,
    /** The folder of all sandboxes. */
    private readonly root: string,
    private readonly agentId: () => string,
    private readonly known: KnownSandboxes = { nested: () => undefined, task: () => undefined },
  ) {}

  async list(text: string): Promise<ListedFile[]> {
    const { folder, logs, rest, own } = this.placeOf(text);
    const base = text.replace(/\/+$/, '');
    const streams = inRoot(own) ? await listStreams(logs, base) : [];
    const entry = SandboxEntry.open(folder, rest);
    try {
      if (!entry.status.isDirectory()) return [listed(base, entry.status)];
      const names = readdirSync(entry.place).slice(0, mostEntries);
      const hidden = new Set(streams.map((each) => each.path));
      const found = names.flatMap((name) => {
        const status = lstatSync(path.join(entry.place, name), { throwIfNoEntry: false });
        return status === undefined ? [] : [listed(`${base}/${name}`, status)];
      });
      return [...found.filter((each) => !hidden.has(each.path)), ...streams].sort((a, b) =>
        a.path < b.path ? -1 : 1,
      );
    } finally {
      entry.close();
    }
  }

  /** From `offset` on; undefined: only how large it is. `length`: at most so much. */
  async read(text: string, offset: number | undefined, length = longestPart): Promise<FilePart> {
    const place = this.placeOf(text);
    const most = Math.min(length, longestPart);
    const stream = await openStream(place);
    if (stream !== undefined) {
      try {
        const { size } = stream;
        return { size, data: offset === undefined ? Buffer.alloc(0) : stream.read(offset, most) };
      } finally {
        stream.close();
      }
    }
    const entry = SandboxEntry.open(place.folder, place.rest);
    try {
      const fd = entry.openFile();
      try {
        const { size } = entry.status;
        if (offset === undefined || offset >= size) return { size, data: Buffer.alloc(0) };
        const data = Buffer.alloc(Math.min(most, size - offset));
        return { size, data: data.subarray(0, readSync(fd, data, 0, data.length, offset)) };
      } finally {
        closeSync(fd);
      }
    } finally {
      entry.close();
    }
  }

  /** The whole of it as it is now. */
  async download(text: string): Promise<{ name: string; size: number; content: Readable }> {
    const place = this.placeOf(text);
    const name = path.posix.basename(text);
    const stream = await openStream(place);
    if (stream !== undefined) return { name, size: stream.size, content: Readable.from(partsOf(stream)) };
    const entry = SandboxEntry.open(place.folder, place.rest);
    try {
      const fd = entry.openFile();
      const { size } = entry.status;
      if (size === 0) {
        closeSync(fd);
        return { name, size, content: Readable.from([]) };
      }
      // No more than was said: the task may write on.
      return { name, size, content: createReadStream('', { fd, start: 0, end: size - 1 }) };
    } finally {
      entry.close();
    }
  }

  /** The container that a sandbox is of. */
  containerOf(text: string): string {
    return this.placeOf(text).container;
  }

  /** The log of a container that ran, or runs, in a sandbox. */
  logsOf(container: string): string {
    return logFolder(this.roots, this.root, container);
  }

  private placeOf(text: string): Place {
    const parsed = parseSandboxPath(this.root, this.agentId(), text);
    if (parsed === undefined) throw new HttpError(404, 'No such file or folder');
    const { rest, ...place } = parsed;
    const container = place.containerId === 'latest' ? latestRun(this.root, place) : place.containerId;
    if (container === undefined || !isPathPart(container)) throw new HttpError(404, 'No such file or folder');
    const run = { ...place, containerId: container };
    const [, taskId, inTask = ''] = /^tasks\/([^/]+)(?:\/(.*))?$/s.exec(rest) ?? [];
    const task = taskId === undefined ? undefined : this.known.task(run, taskId);
    return task === undefined ? this.placeIn(run, rest) : this.placeIn(task, inTask);
  }

  private placeIn(place: SandboxPlace, rest: string): Place {
    const folder = sandboxFolder(this.root, place);
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined)
      throw new HttpError(404, 'No such file or folder');
    const parts = rest.split('/').filter((part) => part !== '' && part !== '.');
    let container = place.containerId;
    let depth = 0;
    while (parts[depth] === 'containers' && parts.length > depth + 1) {
      const below = this.known.nested(place.containerId, parts.slice(0, depth + 2));
      if (below === undefined) break;
      container = below;
      depth += 2;
    }
    return { folder, container, logs: this.logsOf(container), rest, own: parts.slice(depth).join('/') };
  }
}

const inRoot = (rest: string) => rest.replace(/\/+$/, '') === '';

function listed(place: string, { size, mtimeMs, mode, nlink, uid, gid }: Stats): ListedFile {
  return { path: place, size, mtime: mtimeMs, mode, nlink, uid, gid };
}

/** Undefined: no stream is meant. */
async function openStream({ logs, own }: Place): Promise<TextFile | undefined> {
  const [, stream, age = '0'] = streamName.exec(own) ?? [];
  if (stream === undefined) return undefined;
  const file = await StreamFile.open(logFile(logs, Number(age)), stream as Stream);
  // Who has written nothing yet has no log.
  return file ?? (age === '0' ? nothing : undefined);
}

type TextFile = Pick<StreamFile, 'size' | 'read' | 'close'>;
const nothing: TextFile = { size: 0, read: () => Buffer.alloc(0), close: () => {} };

const logFile = (logs: string, age: number) => path.join(logs, age === 0 ? 'log' : `log.${age}`);

async function listStreams(logs: string, base: string): Promise<ListedFile[]> {
  const found: ListedFile[] = [];
  for (let age = 0; ; age++) {
    for (const stream of ['stdout', 'stderr'] as const) {
      const file = await StreamFile.open(logFile(logs, age), stream);
      if (file === undefined && age > 0) return found;
      found.push({
        path: `${base}/${stream}${age === 0 ? '' : `.${age}`}`,
        size: file?.size ?? 0,
        mtime: file?.mtime.getTime() ?? Date.now(),
        ...{ mode: plainFile, nlink: 1, uid: 0, gid: 0 },
      });
      file?.close();
    }
  }
}

function* partsOf(stream: TextFile): Generator<Buffer> {
  try {
    const { size } = stream;
    for (let at = 0; at < size; ) {
      const part = stream.read(at, Math.min(longestPart, size - at));
      if (part.length === 0) return;
      at += part.length;
      yield part;
    }
  } finally {
    stream.close();
  }
}
