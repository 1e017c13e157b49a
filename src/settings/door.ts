import { BerthError } from '../errors/berth-error.js';
import { credentialsSchema, type GivenCredential, sortCredentials } from './credentials.js';
import { type Endpoint, endpointSchema, endpointText, parseEndpoint } from './endpoint.js';
import { absolutePath, truth } from './schema.js';
import { as, type Setting } from './setting.js';

/** Where a daemon answers, whom, and how they know it. */
export interface Door extends Endpoint {
  /** Who may ask from elsewhere. */
  credentials: ReturnType<typeof sortCredentials>;
  /** PEM files: what it shows, and the key to it; `''`: HTTP in plain. */
  tlsCert: string;
  tlsKey: string;
  /** PEM file: who signs those whom it believes. `''`: at its door nobody by a certificate, elsewhere those whom the host believes. */
  tlsCa: string;
  /** Credentials may cross the network in plain. */
  plainHttp: boolean;
}

export const closedDoor: Omit<Door, 'port'> = {
  host: '127.0.0.1',
  credentials: { passwords: [], tokens: [] },
  tlsCert: '',
  tlsKey: '',
  tlsCa: '',
  plainHttp: false,
};

/** What agent and master have in common in their files. */
export function doorSettings<Config extends Door>(port: number, caAbout: string): Setting<Config>[] {
  return [
    {
      name: 'listen',
      schema: endpointSchema,
      about: 'Where it answers, HOST:PORT. What others can reach needs credentials and a certificate',
      shown: `127.0.0.1:${port}`,
      flag: '--listen',
      take: (value) => parseEndpoint(value as string) as Partial<Config>,
    },
    {
      name: 'credentials',
      schema: credentialsSchema,
      about: 'Who may ask it from elsewhere',
      shown: [{ principal: 'people', secret: 'a long random text' }],
      otherwise: 'root on this host alone',
      secret: true,
      take: (value) => ({ credentials: sortCredentials(value as GivenCredential[]) }) as Partial<Config>,
    },
    {
      name: 'tls_cert',
      schema: absolutePath,
      about:
        'Its certificate, with those between it and its CA: a file of PEM. With it, it speaks HTTPS alone',
      shown: '/etc/berth/tls/host.crt',
      otherwise: 'HTTP in plain',
      flag: '--tls-cert',
      take: as('tlsCert'),
    },
    {
      name: 'tls_key',
      schema: absolutePath,
      about: 'The key of its certificate, which must be its owner’s alone',
      shown: '/etc/berth/tls/host.key',
      otherwise: 'none',
      flag: '--tls-key',
      take: as('tlsKey'),
    },
    {
      name: 'tls_ca',
      schema: absolutePath,
      about: caAbout,
      shown: '/etc/berth/tls/ca.crt',
      otherwise: 'nobody is known by a certificate; of others those are believed whom Node believes',
      flag: '--tls-ca',
      take: as('tlsCa'),
    },
    {
      name: 'plain_http',
      schema: truth,
      about:
        'Whether credentials may cross the network in plain HTTP, where everybody on the way can read and use them',
      shown: false,
      flag: '--plain-http',
      take: as('plainHttp'),
    },
  ];
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || /^(127\.\d+\.\d+\.\d+|::ffff:127\.\d+\.\d+\.\d+|::1|\[::1\])$/.test(host);
}

/** Throws where others can reach it, and either nobody could come in or what lets them in could be read on the way. */
export function refuseOpenDoor(door: Door): void {
  const { host, credentials, tlsCert, tlsKey, tlsCa, plainHttp } = door;
  const what = `--listen ${endpointText(door)}`;
  if ((tlsCert === '') !== (tlsKey === ''))
    throw new BerthError('USAGE', {
      what: tlsCert === '' ? 'tls_key' : 'tls_cert',
      why: 'a certificate and its key belong together',
      mend: 'Give both tls_cert and tls_key.',
    });
  if (isLoopback(host)) return;
  const known = credentials.passwords.length + credentials.tokens.length;
  if (known === 0 && (tlsCert === '' || tlsCa === ''))
    throw new BerthError('USAGE', {
      what,
      why: 'others can reach this address, and there are no credentials for them',
      mend: 'Write credentials into the file of --config.',
    });
  if (tlsCert === '' && !plainHttp)
    throw new BerthError('USAGE', {
      what,
      why: 'credentials would cross the network in plain',
      mend: 'Give it a certificate (tls_cert, tls_key), or allow this with plain_http on a network that nobody else is on.',
    });
}
