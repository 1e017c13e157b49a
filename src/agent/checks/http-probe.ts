import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { connect as startTls } from 'node:tls';
import { connectAsTask, type Target } from './connection.js';
import { type Probe, type ProbedProcess, Unanswered } from './probe.js';

export interface HttpTarget extends Target {
  scheme: 'http' | 'https';
  /** With its query; empty: `/`. */
  path: string;
}

/** More of them are a circle. */
const mostRedirections = 10;

/**
 * GET, with the status as its finding. Certificates are not verified, and redirections are followed, as the reference's curl does; but only to the task itself (its loopback address): a check
 * asks nobody else for it. `patience` for each connection, in milliseconds.
 */
export function httpProbe(process: ProbedProcess, first: HttpTarget, patience: number): Probe {
  return async (signal) => {
    let target = first;
    for (let hop = 0; ; hop++) {
      const answer = await ask(process, target, patience, signal);
      const next = redirection(answer, target);
      if (next === undefined || hop === mostRedirections) return { type: 'HTTP', status: answer.status };
      target = next;
    }
  };
}

interface Answer {
  status: number;
  location: string | undefined;
}

async function ask(
  process: ProbedProcess,
  { scheme, path, ...target }: HttpTarget,
  patience: number,
  signal: AbortSignal,
): Promise<Answer> {
  const socket = await connectAsTask(process, target, patience);
  if (signal.aborted) {
    socket.destroy();
    throw new Unanswered('it took too long');
  }
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.destroy();
      reject(new Unanswered(error.message));
    };
    socket.on('error', fail);
    try {
      const request = begin(socket, { scheme, path, ...target }, signal);
      request.once('response', (response: IncomingMessage) => {
        resolve({ status: response.statusCode ?? 0, location: response.headers.location });
        // Whatever it has to say: nobody reads it.
        response.on('error', () => {}).destroy();
        socket.destroy();
      });
      request.on('error', fail);
      request.end();
    } catch (error) {
      // A path that cannot stand in a request.
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function begin(
  socket: Socket,
  { scheme, address, port, path }: HttpTarget,
  signal: AbortSignal,
): ClientRequest {
  // No agent: one, `false` among them, would make a connection of its own.
  const options = {
    signal,
    method: 'GET',
    host: address,
    port,
    path: path.startsWith('/') ? path : `/${path}`,
    headers: { 'User-Agent': 'berth', Accept: '*/*', Connection: 'close' },
  } as const;
  if (scheme === 'http') return httpRequest({ ...options, createConnection: () => socket });
  return httpsRequest({
    ...options,
    createConnection: () => startTls({ socket, rejectUnauthorized: false }),
  });
}

function redirection({ status, location }: Answer, from: HttpTarget): HttpTarget | undefined {
  if (location === undefined || ![301, 302, 303, 307, 308].includes(status)) return undefined;
  const host = from.address === '::1' ? '[::1]' : from.address;
  const base = `${from.scheme}://${host}:${from.port}${from.path.startsWith('/') ? '' : '/'}${from.path}`;
  const url = URL.canParse(location, base) ? new URL(location, base) : undefined;
  const scheme = url?.protocol === 'http:' ? 'http' : url?.protocol === 'https:' ? 'https' : undefined;
  if (url === undefined || scheme === undefined) return undefined;
  if (url.hostname !== host && url.hostname !== 'localhost') return undefined;
  const port = url.port === '' ? (scheme === 'http' ? 80 : 443) : Number(url.port);
  return { scheme, address: from.address, port, path: `${url.pathname}${url.search}` };
}
