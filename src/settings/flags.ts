import type { Door } from './door.js';
import type { Endpoint } from './endpoint.js';

/** What the command line may say of a daemon's door. */
export interface DoorFlags {
  listen?: Endpoint;
  tlsCert?: string;
  tlsKey?: string;
  tlsCa?: string;
  plainHttp?: boolean;
}

/** Only what was given. */
export function doorOf({ listen, tlsCert, tlsKey, tlsCa, plainHttp }: DoorFlags): Partial<Door> {
  return {
    ...listen,
    ...(tlsCert !== undefined && { tlsCert }),
    ...(tlsKey !== undefined && { tlsKey }),
    ...(tlsCa !== undefined && { tlsCa }),
    ...(plainHttp === true && { plainHttp }),
  };
}
