import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { installationFolder } from '../installation.js';

/** The program that reads and writes in a container's own view (native/copy), a process of its own for each copy. */
export const copying = {
  program: path.join(installationFolder, 'build/Release/berth-copy'),
  /** Nothing of the caller's. */
  environment: {},
};

export interface CopyRequest {
  /** `stream`: standard input or output of this process. */
  from: CopyPlace;
  to: CopyPlace;
  /** Absolute, as `path.resolve` makes them. */
  path: string;
  toPath: string;
  /** What the thing is called in the archive; `.`: what is in it, without itself. */
  as: string;
  /** A link at `path` stands for what it leads to. */
  follow: boolean;
  /** `path` must be a folder; `toPath` must. */
  folder: boolean;
  toFolder: boolean;
  /** Owners, set-id bits and every attribute as they were. */
  archive: boolean;
  view: CopyView;
}

export type CopyPlace = 'host' | 'running' | 'stopped' | 'stream';

/** The container of a copy: its first process, or where its files are. */
export type CopyView =
  | { pid: number; started: number }
  | {
      /** Layers (topmost first) and the container's folder are relative to it. */
      root: string;
      container: string;
      layers: string[];
      /** Of an image that is a plain folder. */
      tree?: string;
      readonly: boolean;
      volumes: { source: string; target: string; readonly: boolean; recursive: boolean }[];
    };

export interface CopyCounts {
  entries: number;
  /** Of files, without their holes. */
  bytes: number;
  /** Left out. */
  sockets: number;
  devices: number;
  attributes: number;
}

export interface CopyFailure {
  side: 'source' | 'target';
  errno: number;
  syscall: string;
  /** Of content that was refused, a word of native/copy; else empty. */
  code: string;
  reason: string;
  /** Empty: not known. */
  path: string;
}

/** Copies. Undefined: the program ended without a word. */
export async function runCopy(
  request: CopyRequest,
  onProgress: (entries: number, archiveBytes: number) => void,
): Promise<CopyCounts | CopyFailure | undefined> {
  const child = spawn(copying.program, wordsOf(request), {
    stdio: [
      request.from === 'stream' ? 'inherit' : 'ignore',
      request.to === 'stream' ? 'inherit' : 'ignore',
      'inherit',
      'pipe',
    ],
    cwd: '/',
    env: copying.environment,
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  let last: CopyCounts | CopyFailure | undefined;
  const report = child.stdio[3] as NodeJS.ReadableStream;
  createInterface({ input: report }).on('line', (line) => {
    const [word, ...fields] = line.split('\t');
    if (word === 'progress') onProgress(Number(fields[0]), Number(fields[1]));
    if (word === 'done') last = countsOf(fields.map(Number));
    if (word === 'failed') last = failureOf(fields);
  });
  await ended;
  return last;
}

function countsOf([entries = 0, bytes = 0, sockets = 0, devices = 0, attributes = 0]: number[]): CopyCounts {
  return { entries, bytes, sockets, devices, attributes };
}

function failureOf([side, errno, syscall = '', code = '', reason = '', where = '']: string[]): CopyFailure {
  return {
    side: side === 'target' ? 'target' : 'source',
    errno: Number(errno),
    syscall,
    code,
    reason,
    path: where,
  };
}

function wordsOf({ view, ...request }: CopyRequest): string[] {
  const flag = (name: string, on: boolean) => (on ? [`${name}=1`] : []);
  return [
    ...[`from=${request.from}`, `to=${request.to}`, `path=${request.path}`, `as=${request.as}`],
    `to-path=${request.toPath}`,
    ...flag('follow', request.follow),
    ...flag('folder', request.folder),
    ...flag('to-folder', request.toFolder),
    ...flag('archive', request.archive),
    ...('pid' in view
      ? [`pid=${view.pid}`, `started=${view.started}`]
      : [
          ...[`root=${view.root}`, `container=${view.container}`],
          ...view.layers.map((layer) => `layer=${layer}`),
          ...(view.tree === undefined ? [] : [`tree=${view.tree}`]),
          ...flag('readonly', view.readonly),
          ...view.volumes.flatMap(({ source, target, readonly, recursive }) => [
            ...[`volume-source=${source}`, `volume-target=${target}`],
            ...flag('volume-readonly', readonly),
            ...flag('volume-recursive', recursive),
          ]),
        ]),
  ];
}
