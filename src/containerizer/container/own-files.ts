import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { RuntimeMount } from '../../oci-spec/runtime.js';
import { places, type Roots } from '../../state/roots.js';
import type { Attachment } from '../network/document.js';
import { type HostEntry, hostsFile, resolvConf, withNeighbours } from '../network/name-service.js';
import { byPriority } from '../network/way-out.js';
import { type Container, readContainer } from './catalogue.js';
import type { ContainerOptions } from './options.js';

/** Files of /etc that a container has of its own, beside its root file system: by name, what is in them. */
export type OwnFiles = Partial<Record<'hosts' | 'hostname' | 'resolv.conf', string>>;

const nameServiceFiles = ['hosts', 'resolv.conf'] as const;

/** Which files a container gets, and with what in them. On no network it gets none, unless it is told names. */
export function ownFiles(
  options: ContainerOptions,
  hostname: string,
  attachments: readonly Attachment[],
  neighbours: readonly HostEntry[],
): OwnFiles {
  const { dns, dnsSearch, dnsOptions, addHosts, network } = options;
  const resolves = dns.length + dnsSearch.length + dnsOptions.length > 0;
  const files: OwnFiles = {};
  const networked = attachments.length > 0;
  if (networked || addHosts.length > 0) {
    const base =
      network === 'host'
        ? (textOf('/etc/hosts') ?? '') + linesFor(addHosts)
        : hostsFile(ownEntries(attachments, hostname), entries(addHosts, attachments));
    files.hosts = withNeighbours(base, neighbours);
  }
  if (networked) files.hostname = `${hostname}\n`;
  if (networked || resolves) {
    const host = {
      configured: textOf('/etc/resolv.conf'),
      behindStub: textOf('/run/systemd/resolve/resolv.conf'),
    };
    files['resolv.conf'] = resolvConf({ dns, dnsSearch, dnsOptions }, host, network !== 'host');
  }
  return files;
}

/** Mounts of those files, and of the host's own where names are to resolve as they do there. */
export function nameServiceMounts(
  roots: Roots,
  id: string,
  files: OwnFiles,
  options: ContainerOptions,
): RuntimeMount[] {
  const own = ownMounts(places.ownFiles(roots, id), Object.keys(files), options);
  if (options.network !== 'host') return own;
  const shared = nameServiceFiles.filter(
    (name) => files[name] === undefined && textOf(`/etc/${name}`) !== null,
  );
  return [
    ...own,
    ...shared.map((name) => ({
      destination: `/etc/${name}`,
      type: 'bind',
      source: `/etc/${name}`,
      options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'],
    })),
  ];
}

/** The very files of the container whose network it is on: what becomes of them, both see. */
export function sharedNameServiceMounts(
  roots: Roots,
  networkOf: Container,
  options: ContainerOptions,
): RuntimeMount[] {
  if (options.network === 'host') return nameServiceMounts(roots, networkOf.document.id, {}, options);
  const folder = places.ownFiles(roots, networkOf.document.id);
  if (existsSync(folder)) return ownMounts(folder, readdirSync(folder), options);
  const [, further] = /^container:(.*)$/.exec(networkOf.document.network) ?? [];
  const next = further === undefined ? undefined : readContainer(roots, further);
  return next === undefined ? [] : sharedNameServiceMounts(roots, next, options);
}

function ownMounts(folder: string, names: string[], options: ContainerOptions): RuntimeMount[] {
  return names.map((name) => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: path.join(folder, name),
    // They lie where its upper directory does, so they can be id-mapped and cost the host no other space.
    options: ['bind', ...(options.userns === 'host' ? [] : ['idmap']), 'rw', 'nosuid', 'nodev', 'noexec'],
  }));
}

export function writeOwnFiles(roots: Roots, id: string, files: OwnFiles): void {
  const folder = places.ownFiles(roots, id);
  const all = Object.entries(files);
  if (all.length === 0) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of all) {
    const file = path.join(folder, name);
    writeFileSync(file, text, { flag: 'wx' });
    chmodSync(file, 0o644); // whatever the caller's umask
  }
}

export function ownEntries(attachments: readonly Attachment[], hostname: string): HostEntry[] {
  const addresses = attachments.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]);
  return addresses.flatMap((address) => (address === null ? [] : [{ address, names: [hostname] }]));
}

const toHost = 'host-gateway';

/** `host-gateway` is the host as the container reaches it. */
function entries(added: ContainerOptions['addHosts'], attachments: readonly Attachment[]): HostEntry[] {
  const gateway = byPriority(attachments).find(({ gateway4 }) => gateway4 !== null)?.gateway4;
  return added.map(({ name, address }) => ({
    address: address === toHost ? (gateway ?? '127.0.0.1') : address,
    names: [name],
  }));
}

function linesFor(added: ContainerOptions['addHosts']): string {
  return entries(added, [])
    .map(({ address, names }) => `${address}\t${names.join(' ')}\n`)
    .join('');
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
