import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import { BerthError } from '../../errors/berth-error.js';

/** Credentials of a proxy's URL, for the proxy alone. */
export function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

type Done = (error: Error | null, socket?: Duplex) => void;

/** Makes an agent reach its server through a proxy's CONNECT (RFC 9110, 9.3.6): TLS is between here and the server, the proxy sees none of it. */
export function tunnelled(agent: https.Agent, proxy: URL, patience: number): void {
  const reach = (options: ConnectionOptions, done: Done): void => {
    const target = `${options.host}:${options.port}`;
    const request = (proxy.protocol === 'https:' ? https : http).request({
      method: 'CONNECT',
      hostname: proxy.hostname,
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      path: target,
      headers: { host: target, ...proxyAuthorization(proxy) },
      agent: false,
      timeout: patience,
    });
    const refuse = (why: string, cause?: unknown) =>
      done(
        new BerthError('REGISTRY_UNREACHABLE', {
          what: `proxy ${proxy.host}`,
          why,
          mend: 'See HTTPS_PROXY and NO_PROXY in the environment.',
          cause,
        }),
      );
    request.on('connect', (answer, socket: Socket) => {
      if (answer.statusCode === 200) done(null, connect({ ...options, socket }));
      else {
        socket.destroy();
        refuse(`it answers ${answer.statusCode} to CONNECT ${target}`);
      }
    });
    request.on('timeout', () => request.destroy(new Error('it does not answer')));
    request.on('error', (error) => refuse(error.message, error));
    request.end();
  };
  // What Node calls for a connection; that it may answer later is documented (http, "agent.createConnection").
  Object.assign(agent, { createConnection: reach });
}
