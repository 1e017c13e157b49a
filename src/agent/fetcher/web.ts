import { lookup } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fetchFailure } from './failure.js';
import type { FetchLimits } from './limits.js';
import { Meter } from './meter.js';

type Limits = Pick<FetchLimits, 'size' | 'stall' | 'redirects' | 'near'>;

/** Gets a file over HTTP or HTTPS. Throws FETCH_FAILED. */
export async function download(uri: string, url: URL, to: Writable, limits: Limits): Promise<void> {
  const response = await ask(uri, url, 'GET', limits);
  const size = sizeOf(response);
  if (size !== undefined && size > limits.size) {
    response.destroy();
    throw fetchFailure(uri, `it has ${size} bytes, and ${limits.size} are the most`);
  }
  const meter = new Meter(limits.size, () => fetchFailure(uri, `it has more than ${limits.size} bytes`));
  const silence = () => fetchFailure(uri, `nothing came for ${limits.stall} seconds`);
  const timer = setTimeout(() => response.destroy(silence()), limits.stall * 1000);
  response.on('data', () => timer.refresh());
  try {
    await pipeline(response, meter, to);
  } finally {
    clearTimeout(timer);
  }
}

/** How large it is, before it is asked for; undefined: the server does not tell. */
export async function sizeOnWeb(uri: string, url: URL, limits: Limits): Promise<number | undefined> {
  const response = await ask(uri, url, 'HEAD', limits);
  response.resume();
  return sizeOf(response);
}

function sizeOf({ headers }: http.IncomingMessage): number | undefined {
  const text = headers['content-length'];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Follows where the server sends us. Neither credentials nor trust go along: only the first URL's own are used, and for its own host alone. */
async function ask(uri: string, first: URL, method: string, limits: Limits): Promise<http.IncomingMessage> {
  let url = first;
  let near = false;
  for (let step = 0; ; step++) {
    const address = await addressOf(uri, url, limits.near);
    // Services of this host trust it; whoever sends us there from outside is not to profit.
    if (step > 0 && address.isNear && !near)
      throw fetchFailure(uri, `it leads to this host itself, ${url.host}`);
    near = address.isNear;
    const response = await send(uri, url, address, method, limits, step === 0);
    const { statusCode = 0, headers } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) {
      if (statusCode === 200) return response;
      response.destroy();
      throw fetchFailure(uri, `${url.host} answered with status ${statusCode}`);
    }
    response.destroy();
    if (step >= limits.redirects) throw fetchFailure(uri, `it leads on more than ${limits.redirects} times`);
    url = nextOf(uri, url, headers.location);
  }
}

/** Where a server sends us. Throws FETCH_FAILED: nowhere, or where less is kept secret. */
export function nextOf(uri: string, from: URL, location: string): URL {
  let next: URL;
  try {
    next = new URL(location, from);
  } catch {
    throw fetchFailure(uri, 'it leads to what is no URL');
  }
  if (next.protocol !== 'https:' && (next.protocol !== 'http:' || from.protocol === 'https:'))
    throw fetchFailure(uri, `it leads from ${from.protocol} to ${next.protocol}`);
  return next;
}

interface Address {
  address: string;
  isNear: boolean;
}

/** Looked up once, so that what is checked is what is connected to. */
async function addressOf(uri: string, url: URL, near: Limits['near']): Promise<Address> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  try {
    const { address } = isIP(host) === 0 ? await lookup(host) : { address: host };
    return { address, isNear: near(address) };
  } catch (error) {
    throw fetchFailure(
      uri,
      `${host} has no address: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function send(
  uri: string,
  url: URL,
  { address, isNear }: Address,
  method: string,
  { stall }: Limits,
  withCredentials: boolean,
): Promise<http.IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const { username, password } = url;
  const basic = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).request({
      method,
      agent: false,
      host: address,
      ...(url.protocol === 'https:' && isIP(host) === 0 && { servername: host }),
      port: url.port === '' ? undefined : url.port,
      path: `${url.pathname}${url.search}`,
      headers: {
        Host: url.host,
        'User-Agent': 'berth',
        Accept: '*/*',
        'Accept-Encoding': 'identity',
        // The agent is root, and what listens on this host may trust root: berth's own daemons do, unless a request says that it is somebody else's.
        ...(isNear && { Origin: 'null' }),
        ...(withCredentials &&
          username !== '' && { Authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
      },
    });
    const timer = setTimeout(
      () => request.destroy(fetchFailure(uri, `${url.host} did not answer for ${stall} seconds`)),
      stall * 1000,
    );
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    request.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.end();
  });
}
