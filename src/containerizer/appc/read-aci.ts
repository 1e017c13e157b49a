import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { type AppcImageManifest, imageManifestShape } from '../../appc-spec/image-manifest.js';
import type { ImageId } from '../../appc-spec/names.js';
import { BerthError } from '../../errors/berth-error.js';
import { type AciFacts, native } from '../../native/index.js';
import { parseDocument } from '../image/documents.js';
import { defaultLimits, documentBytes } from '../image/limits.js';
import type { Session } from '../image/store.js';
import { unpackFailure } from '../image/unpack-failure.js';

/** An ACI that was read and found to follow the specification, and its files as a layer. */
export interface ReadAci {
  file: string;
  id: ImageId;
  manifest: AppcImageManifest;
  manifestBytes: Buffer;
  /** Of the file as it is. */
  digest: string;
  size: number;
  layer: { file: string; digest: string; size: number; diffId: string };
}

let converted = 0;

/** `kept`: the paths that its layer is to have, without a leading slash; undefined: all that its own manifest keeps. */
export async function readAci(
  session: Session,
  file: string,
  kept: ReadonlySet<string> | undefined,
  what: string,
): Promise<ReadAci> {
  refuseEncrypted(file, what);
  let output = fresh(session);
  let facts = await convert(file, output, kept, what);
  const manifest = parseDocument(facts.manifest, imageManifestShape, what, 'image manifest');
  const own = whitelistOf(manifest);
  if (own !== undefined) {
    // Only now is it known what it leaves out.
    const both = kept === undefined ? own : new Set([...own].filter((each) => kept.has(each)));
    output = fresh(session);
    facts = await convert(file, output, both, what);
  }
  const { digest, size, diffId } = facts.layer;
  return {
    file,
    id: `sha512-${facts.sha512}`,
    manifest,
    manifestBytes: facts.manifest,
    digest: facts.image.digest,
    size: facts.image.size,
    layer: { file: output, digest, size, diffId },
  };
}

/** `pathWhitelist` as paths without a leading slash; undefined: everything (ace.md, "Filesystem Setup"). */
export function whitelistOf({ pathWhitelist = [] }: AppcImageManifest): Set<string> | undefined {
  if (pathWhitelist.length === 0) return undefined;
  return new Set(pathWhitelist.map((each) => path.posix.normalize(each).replace(/^\/+|\/+$/g, '')));
}

/** aci.md, "Image Archives": an image may be encrypted by OpenPGP; no key of this host's is for that. RFC 4880: armor, or a packet with a session key, whose first octet no archive begins with. */
function refuseEncrypted(file: string, what: string): void {
  const head = Buffer.alloc(armor.length);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  const [first = 0] = head;
  const tag = first >= 0xc0 ? first & 0x3f : first >= 0x80 ? (first & 0x3c) >> 2 : 0;
  if (head.toString('latin1') !== armor && !sessionKeys.includes(tag)) return;
  throw new BerthError('IMAGE_INVALID', {
    what,
    why: 'it is encrypted, and berth has no key for images',
    mend: 'Decrypt it first: gpg -o DECRYPTED.aci -d FILE.aci',
  });
}

const armor = '-----BEGIN PGP MESSAGE-----';
/** Tags of packets with a session key, by a public key and by a passphrase (RFC 4880, 4.3). */
const sessionKeys = [1, 3];

function fresh(session: Session): string {
  return path.join(session.directory, `aci-${converted++}.layer`);
}

async function convert(
  file: string,
  output: string,
  kept: ReadonlySet<string> | undefined,
  what: string,
): Promise<AciFacts> {
  try {
    return await native().convertAci({
      input: file,
      output,
      manifestBytes: documentBytes,
      kept: kept === undefined ? null : [...kept],
      limits: defaultLimits,
    });
  } catch (error) {
    throw unpackFailure(error, what, 'there is no such file');
  }
}
