import path from 'node:path';
import { identifierPattern } from '../../appc-spec/names.js';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, isDigest } from '../../oci-spec/digest.js';
import { namesRegistry } from '../registry/location.js';

/** Where an image is looked for. `canonical` is the same image's one spelling, and its key in the store. */
export type ImageReference =
  | { kind: 'layout'; canonical: string; directory: string; tag: string | undefined }
  | { kind: 'archive'; form: ArchiveForm; canonical: string; file: string; tag: string | undefined }
  | { kind: 'tree'; canonical: string; directory: string }
  /** An App Container Image in a file, and one by what it says of itself. */
  | { kind: 'aci'; canonical: string; file: string }
  | { kind: 'appc'; canonical: string; name: string; labels: Record<string, string> }
  | {
      kind: 'stored';
      /** `NAME:TAG`, or `NAME@DIGEST` where a digest says which. */
      canonical: string;
      /** `NAME:TAG`, of which the digest must be. */
      tagged: string;
      name: string;
      tag: string;
      digest: Digest | undefined;
      /** No registry was named. */
      short: boolean;
    };

export type ArchiveForm = 'oci-archive' | 'docker-archive';
const archiveForms: ArchiveForm[] = ['oci-archive', 'docker-archive'];

// docs of distribution/reference: components of lower case, digits and single separators; a host may stand first.
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const host =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?/)?';
const namePattern = new RegExp(`^${host}${component}(?:/${component})*$`);
export const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const longestName = 255;

const transports: string[] = ['oci', 'dir', 'appc', ...archiveForms];
/** Of other tools; what is said of each, and what does the same here. */
const otherTransports: Record<string, [why: string, mend: string]> = {
  docker: ['a registry is named without docker://', 'Leave it out: NAME[:TAG][@DIGEST].'],
  'docker-daemon': [
    "it is in Docker's own store",
    'Take it from there: docker save NAME | berth image load.',
  ],
  'containers-storage': [
    "it is in podman's own store",
    'Take it from there: podman save NAME | berth image load.',
  ],
};

/**
 * Reads `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]`, `dir:ROOTFS`, `appc:NAME[:VERSION]`, `[appc:]FILE.aci` or
 * `NAME[:TAG][@DIGEST]`. Paths are taken from the current folder.
 */
export function parseReference(text: string): ImageReference {
  const form = archiveForms.find((name) => text.startsWith(`${name}:`));
  if (form !== undefined) return parseArchive(text, form);
  if (text.startsWith('dir:')) return parseTree(text);
  if (text.startsWith('oci:')) return parseLayout(text);
  if (text.startsWith('appc:') || text.endsWith('.aci')) return parseAppc(text);
  for (const [transport, [why, mend]] of Object.entries(otherTransports))
    if (text.startsWith(`${transport}:`) && !isTagOf(transport, text)) throw invalid(text, why, mend);
  return parseStored(text);
}

/** `docker:27` is a name and a tag; `docker://…` and `dir:/…` are transports. */
function isTagOf(transport: string, text: string): boolean {
  return transport === 'docker' && tagPattern.test(text.slice(transport.length + 1));
}

function parseLayout(text: string): ImageReference {
  const rest = text.slice('oci:'.length);
  const colon = rest.lastIndexOf(':');
  const hasTag = colon > 0 && !rest.slice(colon).includes('/');
  const directory = hasTag ? rest.slice(0, colon) : rest;
  const tag = hasTag ? rest.slice(colon + 1) : undefined;
  if (directory === '' || directory.includes('\0')) throw invalid(text, 'it names no directory', grammar);
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, `'${tag}' is not a tag`, grammar);
  const absolute = path.resolve(directory);
  // Without the slash the end of such a folder's name would be read as a tag.
  const end = path.basename(absolute).includes(':') ? '/' : '';
  return {
    kind: 'layout',
    canonical: `oci:${absolute}${tag === undefined ? end : `:${tag}`}`,
    directory: absolute,
    tag,
  };
}

function parseTree(text: string): ImageReference {
  const directory = text.slice('dir:'.length);
  if (directory === '' || directory.includes('\0')) throw invalid(text, 'it names no directory', grammar);
  const absolute = path.resolve(directory);
  return { kind: 'tree', canonical: `dir:${absolute}`, directory: absolute };
}

/** The file's name ends at the first colon: what follows may be a whole name, as `podman save` writes them. */
function parseArchive(text: string, form: ArchiveForm): ImageReference {
  const rest = text.slice(form.length + 1);
  const colon = rest.indexOf(':');
  const file = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (file === '' || file.includes('\0')) throw invalid(text, 'it names no file', grammar);
  if (tag !== undefined && !isTagOrName(tag))
    throw invalid(text, `'${tag}' is neither a tag nor a name`, grammar);
  const absolute = path.resolve(file);
  return {
    kind: 'archive',
    form,
    canonical: `${form}:${absolute}${tag === undefined ? '' : `:${tag}`}`,
    file: absolute,
    tag,
  };
}

function isTagOrName(text: string): boolean {
  if (tagPattern.test(text)) return true;
  const colon = text.lastIndexOf(':');
  const hasTag = colon > 0 && !text.slice(colon).includes('/');
  return (
    namePattern.test(hasTag ? text.slice(0, colon) : text) &&
    (!hasTag || tagPattern.test(text.slice(colon + 1)))
  );
}

// aci.md, "Image Archives": a file is called `.aci`, whatever it is compressed with.
function parseAppc(text: string): ImageReference {
  const rest = text.replace(/^appc:/, '');
  if (rest.endsWith('.aci')) {
    const file = path.resolve(rest);
    if (file.includes('\0')) throw invalid(text, 'it names no file', grammar);
    return { kind: 'aci', canonical: `appc:${file}`, file };
  }
  const [stated = '', ...pairs] = rest.split(',');
  const colon = stated.indexOf(':');
  const name = colon < 0 ? stated : stated.slice(0, colon);
  const labels: Record<string, string> = colon < 0 ? {} : { version: stated.slice(colon + 1) };
  for (const pair of pairs) {
    const [, label = '', value = ''] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (!identifierPattern.test(label) || label === 'name' || Object.hasOwn(labels, label))
      throw invalid(text, `'${pair}' is not a label, or one that was there before`, grammar);
    labels[label] = value;
  }
  if (!identifierPattern.test(name) || name.length > longestName)
    throw invalid(text, `'${name}' is not the name of an App Container Image`, grammar);
  if (labels['version'] === '' || /[\0\n]/.test(rest)) throw invalid(text, 'its version is empty', grammar);
  const { version, ...others } = labels;
  const written = Object.keys(others)
    .sort()
    .map((label) => `,${label}=${others[label]}`);
  return {
    kind: 'appc',
    canonical: `appc:${name}${version === undefined ? '' : `:${version}`}${written.join('')}`,
    name,
    labels,
  };
}

function parseStored(text: string): ImageReference {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest))
    throw invalid(text, `'${digest}' is not a sha256 digest`, grammar);
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.lastIndexOf(':');
  const hasTag = colon > 0 && !rest.slice(colon).includes('/');
  const stated = hasTag ? rest.slice(0, colon) : rest;
  const name = shortName(stated);
  const tag = hasTag ? rest.slice(colon + 1) : 'latest';
  if (name.length > longestName || !namePattern.test(name))
    throw invalid(text, 'it is not an image name', grammar);
  if (!tagPattern.test(tag)) throw invalid(text, `'${tag}' is not a tag`, grammar);
  const tagged = `${name}:${tag}`;
  const canonical = digest === undefined ? tagged : `${name}@${digest}`;
  return { kind: 'stored', canonical, tagged, name, tag, digest, short: !namesRegistry(stated) };
}

/** What Docker calls `busybox`, other tools write out as `docker.io/library/busybox`: one image, one name. */
function shortName(name: string): string {
  const rest = name.replace(/^(?:index\.)?docker\.io\/(?=.)/, '');
  const onHub = rest !== name;
  const short = onHub ? rest.replace(/^library\/(?=[^/]+$)/, '') : name;
  // Without Docker Hub's name these would be read as something else: with a tag as a transport, or as what another registry has.
  if (transports.includes(short)) return `docker.io/library/${short}`;
  return onHub && namesRegistry(short) ? `docker.io/${rest}` : short;
}

const grammar =
  'An image is NAME[:TAG][@DIGEST], oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:TAG], dir:ROOTFS, FILE.aci or appc:NAME[:VERSION].';

function invalid(text: string, why: string, mend: string): BerthError {
  return new BerthError('REFERENCE_INVALID', { what: `image ${JSON.stringify(text)}`, why, mend });
}
