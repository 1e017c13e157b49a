import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';

/** A tree as text lines, one an entry, sorted: everything that an image states about a file. */
export function treeOf(
  root: string,
  options: { times?: boolean; skip?: (name: string) => boolean } = {},
): string[] {
  const first = new Map<number, string>();
  const lines: string[] = [];
  const visit = (directory: Buffer, below: string): void => {
    for (const entry of readdirSync(directory, { encoding: 'buffer' }).sort(Buffer.compare)) {
      const file = Buffer.concat([directory, Buffer.from('/'), entry]);
      const name = `${below}/${entry.toString('latin1')}`;
      if (options.skip?.(name)) continue;
      const status = lstatSync(file);
      lines.push(
        `${name} ${describe(file, name, status, first)}${options.times === false ? '' : ` ${status.mtimeMs}`}`,
      );
      if (status.isDirectory()) visit(file, name);
    }
  };
  const top = lstatSync(root);
  lines.push(
    `/ ${top.mode.toString(8)} ${top.uid}:${top.gid}${options.times === false ? '' : ` ${top.mtimeMs}`}`,
  );
  visit(Buffer.from(root), '');
  return [...lines, ...xattrsOf(root)];
}

function describe(file: Buffer, name: string, status: Stats, first: Map<number, string>): string {
  const base = `${status.mode.toString(8)} ${status.uid}:${status.gid}`;
  if (status.isSymbolicLink())
    return `${base} -> ${readlinkSync(file, { encoding: 'buffer' }).toString('latin1')}`;
  if (!status.isFile()) return base;
  const content = `${status.size} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
  if (status.nlink === 1) return `${base} ${content}`;
  const link = first.get(status.ino);
  if (link === undefined) first.set(status.ino, name);
  return `${base} ${content} links ${status.nlink}${link === undefined ? '' : ` same as ${link}`}`;
}

/** Every extended attribute, but the ones that overlayfs reads. */
function xattrsOf(root: string): string[] {
  const dump = execFileSync('getfattr', ['-Rhd', '-m', '-', '-e', 'hex', '.'], {
    cwd: root,
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  });
  return dump
    .split('\n\n')
    .map((block) => block.split('\n').filter((line) => !line.startsWith('trusted.overlay.')))
    .filter((lines) => lines.length > 1)
    .map((lines) => lines.join(' '))
    .sort();
}
