import { BlockList, isIP } from 'node:net';
import { BerthError } from '../../errors/berth-error.js';
import { isLoopback } from './location.js';

/**
 * The proxy for a URL, from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in capitals or not, as curl and Go have them. This host itself is never asked for
 * through a proxy. Undefined: none.
 */
export function proxyFor(url: URL, environment: NodeJS.ProcessEnv): URL | undefined {
  const variable = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined;
  const stated = variable(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? variable('ALL_PROXY');
  if (stated === undefined || isLoopback(url.hostname) || isExempt(url, variable('NO_PROXY') ?? '')) {
    return undefined;
  }
  let proxy: URL | undefined;
  try {
    proxy = new URL(stated.includes('://') ? stated : `http://${stated}`);
  } catch {
    // What it holds may be a password, so the message below does not show it.
  }
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  throw new BerthError('REGISTRY_UNREACHABLE', {
    what: 'the proxy of the environment',
    why:
      proxy === undefined
        ? 'it is no URL'
        : `berth speaks to proxies over http and https, not ${proxy.protocol}`,
    mend: 'Set HTTPS_PROXY to http://HOST:PORT, or leave it out.',
  });
}

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && fits(entry, host, port));
}

function fits(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const network = /^([0-9a-f.:]+)\/(\d+)$/.exec(entry);
  if (network !== null) return contains(network[1] ?? '', Number(network[2]), host);
  const withPort = /^(.*):(\d+)$/.exec(entry);
  // More than one colon is an address of IPv6, not a host with a port.
  const [name, only] =
    withPort === null || isIP(entry) === 6 ? [entry, undefined] : [withPort[1] ?? '', withPort[2]];
  if (only !== undefined && only !== port) return false;
  const domain = name.replace(/^\*?\./, '');
  return host === domain ? domain === name : host.endsWith(`.${domain}`);
}

function contains(network: string, bits: number, host: string): boolean {
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || bits > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, bits, type);
  return list.check(host, type);
}
