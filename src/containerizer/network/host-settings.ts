import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import type { NetworkDocument } from './document.js';

/** A setting of this network namespace, e.g. `ipv4/ip_forward`, as the kernel tells it; null: it has none such. */
export function readSetting(name: string): string | null {
  try {
    return readFileSync(`/proc/sys/net/${name}`, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** May interfaces have IPv6 addresses here? */
export function hasIpv6(): boolean {
  return readSetting('ipv6/conf/default/disable_ipv6') === '0';
}

/** What a network needs of the host beside its bridge, by name; `network inspect` shows it. */
export function neededSettings({ bridge, subnet6, internal }: NetworkDocument): Record<string, string> {
  return {
    ...(internal ? {} : { 'ipv4/ip_forward': '1' }),
    // So that a port published on 127.0.0.1 can be reached from there. The packet filter keeps containers off the host's own loopback.
    [`ipv4/conf/${bridge}/route_localnet`]: '1',
    ...(subnet6 === null ? {} : { [`ipv6/conf/${bridge}/accept_ra`]: '0' }),
    ...(subnet6 === null || internal ? {} : { 'ipv6/conf/all/forwarding': '1' }),
  };
}

export function applySettings(network: NetworkDocument): void {
  for (const [name, value] of Object.entries(neededSettings(network))) {
    if (readSetting(name) === value) continue;
    if (name === 'ipv6/conf/all/forwarding') keepRouterAdvertisements();
    write(name, value);
  }
}

/** A host that forwards takes no routes from router advertisements any more, unless told to (ip-sysctl.rst, accept_ra): it would lose its own way out. */
function keepRouterAdvertisements(): void {
  for (const name of readdirSync('/proc/sys/net/ipv6/conf')) {
    const setting = `ipv6/conf/${name}/accept_ra`;
    if (readSetting(setting) === '1') write(setting, '2');
  }
}

function write(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/net/${name}`, value);
  } catch (cause) {
    throw new BerthError('HOST_LACKS', {
      what: `net.${name.replaceAll('/', '.')}`,
      why: `cannot be set to ${value}: ${(cause as Error).message}`,
      mend: `Set it: sysctl -w net.${name.replaceAll('/', '.')}=${value}.`,
      cause,
    });
  }
}
