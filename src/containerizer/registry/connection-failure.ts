import { BerthError } from '../../errors/berth-error.js';
import { noConnection } from '../../errors/no-connection.js';
import { Transient } from './trouble.js';

const broken: Record<string, string> = {
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'the connection timed out',
  ECONNABORTED: 'the connection was cut',
};

/** Why a server could not be asked: `Transient` when it may be otherwise the next time. */
export function connectionFailure(error: unknown, url: URL, reached: boolean): Error {
  if (error instanceof Transient || error instanceof BerthError) return error;
  const { code = '', message, reason } = error as { code?: string; message?: string; reason?: string };
  // At once another attempt would find the same, unless the server has answered before.
  const nobody = noConnection[code];
  if (nobody !== undefined) {
    if (reached) return new Transient(`${url.host}: ${nobody}`, { cause: error });
    return new BerthError('REGISTRY_UNREACHABLE', {
      what: `registry ${url.host}`,
      why: nobody,
      mend: 'Check its name, the network and the name server; behind a proxy set HTTPS_PROXY.',
      cause: error,
    });
  }
  const cut = broken[code];
  if (cut !== undefined) return new Transient(`${url.host}: ${cut}`, { cause: error });
  if (/^(?:HPE_|ERR_HTTP)/.test(code))
    return new Transient(`${url.host}: it breaks HTTP (${code})`, { cause: error });
  if (url.protocol !== 'https:') throw error;
  return new BerthError('REGISTRY_TLS', {
    what: `registry ${url.host}`,
    why: tlsReason(code, reason ?? message ?? code),
    mend: wantsClient(code)
      ? `Put one and its key into /etc/containers/certs.d/${url.host}, as client.cert and client.key.`
      : speaksPlain(code)
        ? 'If it speaks plain HTTP: --tls-verify=false, or insecure = true in registries.conf.'
        : `Put its CA into /etc/containers/certs.d/${url.host}/ca.crt; --tls-verify=false trusts whoever answers.`,
    cause: error,
  });
}

/** It answered with something that is not TLS. */
export function speaksPlain(code: string): boolean {
  return (
    code === 'EPROTO' || code.startsWith('ERR_SSL_WRONG_VERSION') || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG'
  );
}

/** The server looked at what this host shows of itself, or at that it shows nothing. */
function wantsClient(code: string): boolean {
  return /_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_REQUIRED|UNKNOWN_CA|HANDSHAKE_FAILURE)$/.test(code);
}

function tlsReason(code: string, message: string): string {
  if (speaksPlain(code)) return 'it does not speak TLS';
  if (wantsClient(code)) return 'it wants to see a certificate of this host, and not this one or none';
  const plain: Record<string, string> = {
    DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
    SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from a CA that this host does not know',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from a CA that this host does not know',
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from a CA that this host does not know',
    CERT_HAS_EXPIRED: 'its certificate has expired',
    CERT_NOT_YET_VALID: "its certificate is not valid yet: is this host's clock right?",
    ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  };
  return plain[code] ?? `TLS fails: ${message}`;
}
