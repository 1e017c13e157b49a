import type { Exchange } from '../../http/exchange.js';
import type { ApiServer } from '../../http/server.js';
import type { AgentCall } from '../../mesos/messages.js';

export type CallType = NonNullable<AgentCall['type']>;

/** Answers one call of the operator API. What it throws is answered too. */
export type CallHandler = (exchange: Exchange, call: AgentCall) => void | Promise<void>;

/** Where parts of the agent that have calls of their own hang them into its server. */
export interface ApiExtension {
  /** By type; such a call goes to nobody else. */
  calls?: Partial<Record<CallType, CallHandler>>;
  /** A request to /api/v1 whose body is itself a stream of records (ATTACH_CONTAINER_INPUT): `exchange.bodyStream`. */
  records?: (exchange: Exchange) => void | Promise<void>;
  /** Endpoints of its own. */
  routes?: (server: ApiServer) => void;
}
