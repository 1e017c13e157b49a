import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Authentication, type Identity, sameSecret } from '../../http/authentication.js';
import type { Agent } from '../agent.js';
import { bearerOf, needsToken } from './origin.js';

const operatorApi = new Set(['/api/v1', '/slave(1)/api/v1']);

/** Lets executors into the operator API, by their tokens: each for what is below its own container, and nothing else. All others are `others`'s to tell. */
export function withExecutors(
  { executors, executorConnections }: Pick<Agent, 'executors' | 'executorConnections'>,
  others: Pick<Authentication, 'identify'>,
  isApart: (socket: Socket) => boolean,
): Pick<Authentication, 'identify'> {
  return {
    identify(request: IncomingMessage): Identity {
      const token = operatorApi.has(request.url?.split('?')[0] ?? '') ? bearerOf(request) : undefined;
      if (token !== undefined)
        for (const { record, containerId } of executors.all())
          if (sameSecret(record.token, token)) {
            executorConnections.take(containerId, request);
            return { principal: undefined, executor: containerId };
          }
      // Their own doors let nobody else in, nor by anything that crosses them in plain.
      if (isApart(request.socket)) throw needsToken();
      return others.identify(request);
    },
  };
}
