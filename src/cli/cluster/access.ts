import http from 'node:http';
import https from 'node:https';
import { type Certificates, readCertificates } from '../../http/certificates.js';
import { isLoopback } from '../../settings/door.js';
import { usageError } from '../report.js';

/** What of the command line says how a cluster is reached. */
export interface AccessFlags {
  master?: string;
  ca?: string;
}

/** How the daemons of a cluster are reached: over TLS all of them, if the master is, else none. */
export class Access {
  private readonly certificates: Certificates;

  /** `--ca` or BERTH_CA: who signs their certificates; BERTH_CERT and BERTH_KEY: what this user shows them. */
  constructor(
    readonly secure: boolean,
    { ca }: AccessFlags,
    private readonly environment = process.env,
  ) {
    const { BERTH_CA = '', BERTH_CERT = '', BERTH_KEY = '' } = environment;
    if ((BERTH_CERT === '') !== (BERTH_KEY === ''))
      throw usageError('BERTH_CERT', 'a certificate and its key belong together', 'Set BERTH_KEY too.');
    this.certificates = secure
      ? readCertificates({ tlsCa: ca ?? BERTH_CA, tlsCert: BERTH_CERT, tlsKey: BERTH_KEY })
      : {};
  }

  /** @param address HOST:PORT. */
  url(address: string, path: string): URL {
    return new URL(`${this.secure ? 'https' : 'http'}://${address}${path}`);
  }

  /** As http.request. Throws before credentials could be read on the way. */
  request(url: URL, options: http.RequestOptions, authorization: string | undefined): http.ClientRequest {
    if (authorization !== undefined && !this.secure && !isLoopback(url.hostname)) this.refusePlain(url);
    const headers = {
      ...options.headers,
      ...(authorization !== undefined && { Authorization: authorization }),
    };
    const whole = { ...options, ...this.certificates, headers, agent: false };
    return (this.secure ? https : http).request(url, whole);
  }

  private refusePlain({ host }: URL): void {
    if (this.environment.BERTH_PLAIN_HTTP === '1') return;
    throw usageError(
      `http://${host}`,
      'the credentials for it would cross the network in plain',
      'Ask over https://, or set BERTH_PLAIN_HTTP=1 on a network that nobody else is on.',
    );
  }
}

/** Why the other side was not believed; undefined: that was not it. */
export function trustMend(error: Error & { code?: string }): string | undefined {
  return /CERT|ISSUER|SIGNATURE|SELF_SIGNED/.test(error.code ?? '')
    ? 'Name the file of the CA that signs its certificate with --ca or BERTH_CA, and the name in it as its address.'
    : undefined;
}
