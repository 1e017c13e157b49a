import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { type ArchiveMember, type Input, native } from '../../native/index.js';
import type { LayoutFiles } from './layout-files.js';
import { archiveMembers, defaultLimits } from './limits.js';
import type { Session } from './store.js';
import { unpackFailure } from './unpack-failure.js';

/** A file of an archive, taken out of it. `digest`: SHA-256 of its content, 64 hexadecimal digits. */
export interface ArchiveFile {
  path: string;
  digest: string;
  size: number;
}

const mostLinks = 40;

/**
 * The members of an archive of images, taken out into a session's own folder and hashed on the way. Links between them are followed by
 * name among the members alone: nothing here is ever a path on the host.
 */
export class ArchiveFiles implements LayoutFiles {
  readonly verified = true;
  readonly #members = new Map<string, ArchiveMember & { file: string }>();

  private constructor(
    readonly place: string,
    readonly what: string,
  ) {}

  static async open(session: Session, input: Input, place: string, what: string): Promise<ArchiveFiles> {
    const folder = path.join(session.directory, 'archive');
    mkdirSync(folder, { mode: 0o700 });
    try {
      const members = await native().extractArchive({
        input,
        folder,
        members: archiveMembers,
        limits: defaultLimits,
      });
      const files = new ArchiveFiles(place, what);
      for (const [number, member] of members.entries()) files.#add(member, path.join(folder, String(number)));
      return files;
    } catch (error) {
      throw unpackFailure(error, what, 'the archive is missing');
    }
  }

  #add(member: ArchiveMember, file: string): void {
    const name = cleanName(member.name);
    if (name === undefined) {
      throw new BerthError('IMAGE_HOSTILE', {
        what: this.what,
        why: `its member ${JSON.stringify(member.name)} has '..' in its name`,
      });
    }
    const before = this.#members.get(name);
    if (before !== undefined && before.type === 'file' && before.digest !== member.digest) {
      // Which of the two counts would depend on who reads it.
      throw new BerthError('IMAGE_INVALID', {
        what: this.what,
        why: `its member ${JSON.stringify(name)} is there twice, with different content`,
      });
    }
    this.#members.set(name, { ...member, file });
  }

  get empty(): boolean {
    return this.#members.size === 0;
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  path(name: string): string | undefined {
    return this.find(name)?.path;
  }

  /** The file that a name stands for, through links of the archive's own. Undefined: there is none. */
  find(name: string): ArchiveFile | undefined {
    let member = this.#members.get(name);
    let at = name;
    for (let links = 0; member !== undefined && member.type !== 'file'; links++) {
      if (links >= mostLinks || (member.type !== 'symlink' && member.type !== 'link')) return undefined;
      const next: string | undefined = leadsTo(at, member);
      if (next === undefined) return undefined;
      at = next;
      member = this.#members.get(at);
    }
    if (member === undefined) return undefined;
    this.#checkName(at, member);
    return { path: member.file, digest: member.digest, size: member.size };
  }

  /** A blob's name is its digest (image-layout.md; Docker names its configurations so as well). */
  #checkName(name: string, { digest }: ArchiveMember): void {
    const stated = /(?:^|\/)blobs\/sha256\/([0-9a-f]{64})$|^([0-9a-f]{64})\.json$/.exec(name);
    const expected = stated?.[1] ?? stated?.[2];
    if (expected === undefined || expected === digest) return;
    throw new BerthError('IMAGE_CORRUPT', {
      what: this.what,
      why: `its member ${name} has the digest sha256:${digest}`,
      mend: 'Fetch or build the image again: what is there is not what its name says.',
    });
  }
}

/** `a/b` from what the archive has (`./a/b`); undefined when it has `..` in it. */
function cleanName(name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : parts.join('/');
}

/** Where a link leads, as a member's name; undefined when it leads out of the archive. */
function leadsTo(name: string, { type, link }: ArchiveMember): string | undefined {
  if (type === 'link') return cleanName(link);
  if (link.startsWith('/')) return undefined;
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(name), link));
  return target === '..' || target.startsWith('../') ? undefined : target;
}
