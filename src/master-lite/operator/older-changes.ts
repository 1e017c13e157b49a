import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type { ApiServer } from '../../http/server.js';
import { InvalidMessage, jsonCodec } from '../../mesos/codec.js';
import type { MasterCall } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import { needFor, perform } from './endpoint.js';
import { quotasOf } from './views.js';

/** The older endpoints by which tools change something: forms (application/x-www-form-urlencoded) or JSON, each a call of the operator API in other words, answered as that is. Each also answers below /master. */
export function addOlderChanges(cluster: Cluster, server: ApiServer): void {
  const route = (
    method: 'POST' | 'PUT' | 'DELETE',
    name: string,
    type: NonNullable<MasterCall['type']>,
    bodyOf: (exchange: Exchange, rest: string) => object,
  ) =>
    server.change(method, [`/${name}`, `/master/${name}`], (exchange, rest) => {
      // Before anything is said of what is asked for: that tells of how things are.
      needFor(exchange, type);
      perform(cluster, exchange, checked({ type, ...bodyOf(exchange, rest) }));
    });
  const form = (name: string, type: NonNullable<MasterCall['type']>, bodyOf: (form: Form) => object) =>
    route('POST', name, type, (exchange) => bodyOf(new Form(exchange.text)));
  form('teardown', 'TEARDOWN', (given) => ({
    teardown: { framework_id: { value: given.text('frameworkId') } },
  }));
  form('reserve', 'RESERVE_RESOURCES', (given) => ({
    reserve_resources: {
      ...given.agent,
      resources: given.list('resources'),
      source: given.listIfAny('source'),
    },
  }));
  form('unreserve', 'UNRESERVE_RESOURCES', (given) => ({
    unreserve_resources: { ...given.agent, resources: given.list('resources') },
  }));
  form('create-volumes', 'CREATE_VOLUMES', (given) => ({
    create_volumes: { ...given.agent, volumes: given.list('volumes') },
  }));
  form('destroy-volumes', 'DESTROY_VOLUMES', (given) => ({
    destroy_volumes: { ...given.agent, volumes: given.list('volumes') },
  }));
  route('POST', 'machine/down', 'START_MAINTENANCE', ({ text }) => ({
    start_maintenance: { machines: parsed(text) },
  }));
  route('POST', 'machine/up', 'STOP_MAINTENANCE', ({ text }) => ({
    stop_maintenance: { machines: parsed(text) },
  }));
  route('POST', 'maintenance/schedule', 'UPDATE_MAINTENANCE_SCHEDULE', ({ text }) => ({
    update_maintenance_schedule: { schedule: parsed(text) },
  }));
  route('PUT', 'weights', 'UPDATE_WEIGHTS', ({ text }) => ({
    update_weights: { weight_infos: parsed(text) },
  }));
  route('POST', 'quota', 'SET_QUOTA', ({ text }) => {
    const quota_request = parsed(text);
    const { role } = quota_request as { role?: unknown };
    // It is changed by taking it away first, as in the reference.
    if (quotasOf(cluster).some((each) => each.role === role))
      throw new HttpError(400, `Failed to validate set quota request: role '${role}' has a quota already`);
    return { set_quota: { quota_request } };
  });
  route('DELETE', 'quota/*', 'REMOVE_QUOTA', (_, rest) => {
    const role = decoded(rest);
    if (!quotasOf(cluster).some((each) => each.role === role))
      throw new HttpError(400, `Failed to remove quota: role '${role}' has none`);
    return { remove_quota: { role } };
  });
}

/** What a form says. Throws HttpError 400. */
class Form {
  private readonly values: URLSearchParams;

  constructor(text: string) {
    this.values = new URLSearchParams(text);
  }

  text(name: string): string {
    const value = this.values.get(name);
    if (value === null || value === '')
      throw new HttpError(400, `Missing '${name}' query parameter in the request body`);
    return value;
  }

  get agent(): { agent_id: { value: string } } {
    return { agent_id: { value: this.text('slaveId') } };
  }

  list(name: string): unknown {
    return parsed(this.text(name), `Error in parsing '${name}' query parameter in the request body`);
  }

  listIfAny(name: string): unknown {
    return this.values.has(name) ? this.list(name) : [];
  }
}

function parsed(text: string, what = 'Failed to parse body'): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below, as for any other text.
  }
  throw new HttpError(400, `${what}: it is neither a JSON object nor an array`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, `'${text}' is no part of a URL`);
  }
}

/** The parts of a call are the client's own words: they are read as any call is. */
function checked(call: object): MasterCall {
  try {
    return jsonCodec.decode('mesos.v1.master.Call', Buffer.from(JSON.stringify(call)));
  } catch (error) {
    if (error instanceof InvalidMessage) throw new HttpError(400, `Failed to parse body: ${error.message}`);
    throw error;
  }
}
