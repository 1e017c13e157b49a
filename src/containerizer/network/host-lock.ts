import { mkdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { FileLock } from '../../state/lock.js';
import { hostClaims } from '../../state/roots.js';

/** The number of the network namespace that this process is in: what is claimed in one is free in another. */
export function hostNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0] ?? 'unknown';
}

/** Addresses and ports of containers, claimed across the whole host. */
export function claimsFile(): string {
  return path.join(hostClaims, `addresses-${hostNamespace()}`);
}

/** Held while subnets are chosen, and bridges and the packet filter's table come and go. */
export async function lockHostNetworks(): Promise<FileLock> {
  mkdirSync(hostClaims, { recursive: true, mode: 0o700 });
  return FileLock.take(path.join(hostClaims, 'networks'));
}
