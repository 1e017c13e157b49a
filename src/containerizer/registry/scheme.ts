import { BerthError } from '../../errors/berth-error.js';
import { discard } from './body.js';
import { speaksPlain } from './connection-failure.js';
import { answerBytes } from './limits.js';
import type { Transport } from './transport.js';
import { Transient } from './trouble.js';

/** How a server that may speak plain HTTP is spoken to: under TLS if it does that at all. A certificate that nobody believes is no reason to speak openly. */
export async function schemeOf(
  transport: Transport,
  host: string,
  unverified: boolean,
): Promise<'https' | 'http'> {
  try {
    const url = new URL(`https://${host}/v2/`);
    await discard(await transport.send({ method: 'GET', url, unverified }), answerBytes, transport.limits);
    return 'https';
  } catch (error) {
    if (error instanceof Transient) return 'http';
    if (!(error instanceof BerthError)) throw error;
    if (error.code === 'REGISTRY_TLS' && speaksPlain(codeOf(error.cause))) return 'http';
    // Nothing listens on 443: plain HTTP has another port, unless the port was stated.
    if (error.code === 'REGISTRY_UNREACHABLE' && !/:\d+$/.test(host)) return 'http';
    throw error;
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? '');
}
