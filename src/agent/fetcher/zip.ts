import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { pack, type Header as Whole } from 'tar-stream';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { native } from '../../native/index.js';
import { fetchFailure } from './failure.js';
import type { FetchLimits } from './limits.js';

type Header = Partial<Whole> & { name: string };

const fileType = 0o170000;
const link = 0o120000;
/** A link's target is its content. */
const longestLink = 4096;
const madeOnUnix = 3;

/**
 * Writes the members of a zip archive as a tar archive: there is one unpacker, and it trusts no name. Resolves to a new file in `scratch`, which is the caller's to
 * remove.
 */
export async function zipToTar(
  uri: string,
  archive: string,
  scratch: string,
  limits: FetchLimits['unpack'],
): Promise<string> {
  const zip = await promisify<string, yauzl.Options, ZipFile>(yauzl.open)(archive, {
    lazyEntries: true,
    autoClose: false,
  });
  const file = path.join(scratch, `${randomUUID()}.tar`);
  const tar = pack();
  try {
    const written = pipeline(tar, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
    // Awaited below; until then a failure there ends the packing.
    written.catch(() => {});
    try {
      await eachEntry(zip, takeEntries(uri, zip, tar, limits));
      tar.finalize();
    } catch (error) {
      tar.destroy();
      await written.catch(() => {});
      throw error;
    }
    await written;
    return file;
  } catch (error) {
    await native().removeTree(file);
    throw error;
  } finally {
    zip.close();
  }
}

function eachEntry(zip: ZipFile, take: (entry: Entry) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    zip.once('end', resolve);
    zip.once('error', reject);
    zip.on('entry', (entry: Entry) => {
      take(entry).then(() => zip.readEntry(), reject);
    });
    zip.readEntry();
  });
}

function takeEntries(uri: string, zip: ZipFile, tar: ReturnType<typeof pack>, limits: FetchLimits['unpack']) {
  let entries = 0;
  let bytes = 0;
  return async (entry: Entry): Promise<void> => {
    const { fileName, compressedSize, uncompressedSize } = entry;
    entries++;
    bytes += uncompressedSize;
    const blown = uncompressedSize > limits.ratioGrace && uncompressedSize > compressedSize * limits.ratio;
    if (entries > limits.entries || bytes > limits.bytes || blown)
      throw fetchFailure(uri, `${fileName}: it unpacks to more than any archive may`);
    const mode = entry.versionMadeBy >> 8 === madeOnUnix ? entry.externalFileAttributes >>> 16 : 0;
    const header: Header = { name: fileName, mode: mode & 0o777 || 0o644, mtime: entry.getLastModDate() };
    if (fileName.endsWith('/')) {
      await put(tar, { ...header, type: 'directory', mode: mode & 0o777 || 0o755 });
      return;
    }
    const content = await openEntry(zip, entry);
    if ((mode & fileType) === link) {
      if (uncompressedSize > longestLink) throw fetchFailure(uri, `${fileName}: its link is too long`);
      await put(tar, { ...header, type: 'symlink', linkname: (await textOf(content)) || '.' });
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const member = tar.entry({ ...header, size: uncompressedSize }, (error) =>
        error === null || error === undefined ? resolve() : reject(error),
      );
      pipeline(content, member).catch(reject);
    });
  };
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) =>
    zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(error))),
  );
}

function put(tar: ReturnType<typeof pack>, header: Header): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}

async function textOf(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
