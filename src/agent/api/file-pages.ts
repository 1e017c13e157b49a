import { constants } from 'node:fs';
import type { FastifyReply } from 'fastify';
import type { ApiServer } from '../../http/server.js';
import type { ListedFile } from '../files/sandbox-files.js';
import type { ApiContext } from './context.js';
import { needed, wholeNumber } from './query.js';

/** /files, as the reference has it. */
export function addFilePages({ files, agent }: ApiContext, server: ApiServer): void {
  const urls = (name: string) => [`/files/${name}`, `/files/${name}.json`];
  const page = (name: string, answer: (query: URLSearchParams) => unknown) =>
    server.page(urls(name), answer, 'read_sandboxes');
  page('browse', async (query) => (await files.list(needed(query, 'path'))).map(browsed));
  page('debug', () => ({
    [agent.config.sandboxes]: agent.config.sandboxes,
    '/frameworks': `${agent.config.sandboxes}/slaves/${agent.id ?? ''}/frameworks`,
  }));
  page('read', async (query) => {
    const path = needed(query, 'path');
    // -1 and nothing ask how large it is.
    const offset = query.get('offset') === '-1' ? undefined : wholeNumber(query, 'offset');
    const { size, data } = await files.read(path, offset, wholeNumber(query, 'length'));
    return { data: wholeText(data), offset: offset ?? size };
  });
  const download = async (query: URLSearchParams, reply: FastifyReply) => {
    const { name, size, content } = await files.download(needed(query, 'path'));
    reply
      .header('Content-Type', 'application/octet-stream')
      .header('Content-Length', size)
      // What a task has made is never to be looked at as a page of this host.
      .header('Content-Disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
      .header('X-Content-Type-Options', 'nosniff')
      .send(content);
  };
  server.file(['/files/download', '/files/download.json'], download, 'read_sandboxes');
}

/** Without the beginning of a character at its end: the next part has it whole. */
function wholeText(data: Buffer): string {
  for (let back = 1; back <= 3 && back < data.length; back++) {
    const byte = data[data.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return data.toString('utf8', 0, length > back ? data.length - back : data.length);
  }
  return data.toString('utf8');
}

function browsed({ path, size, mtime, mode, nlink, uid, gid }: ListedFile) {
  return {
    path,
    size,
    nlink,
    mtime: Math.floor(mtime / 1000),
    mode: modeText(mode),
    uid: String(uid),
    gid: String(gid),
  };
}

const types: Record<number, string> = {
  [constants.S_IFDIR]: 'd',
  [constants.S_IFLNK]: 'l',
  [constants.S_IFIFO]: 'p',
  [constants.S_IFSOCK]: 's',
  [constants.S_IFCHR]: 'c',
  [constants.S_IFBLK]: 'b',
};

/** As ls(1) shows it. */
export function modeText(mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, i) => ((mode & (0o400 >> i)) === 0 ? '-' : letter));
  const special = (at: number, set: boolean, letter: string) => {
    if (set) bits[at] = bits[at] === 'x' ? letter : letter.toUpperCase();
  };
  special(2, (mode & 0o4000) !== 0, 's');
  special(5, (mode & 0o2000) !== 0, 's');
  special(8, (mode & 0o1000) !== 0, 't');
  return (types[mode & constants.S_IFMT] ?? '-') + bits.join('');
}
