import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type { MasterCall, MasterResponse } from '../../mesos/messages.js';
import type { Cluster } from '../cluster.js';
import { changes } from './changes.js';
import { reservations } from './reservations.js';
import { stateOf, views } from './views.js';

/** One call of the operator API. */
export function operatorCall(cluster: Cluster, exchange: Exchange): void {
  perform(cluster, exchange, exchange.decode('mesos.v1.master.Call'));
}

/** Throws HttpError 403 unless who asks may make such calls. */
export function needFor(exchange: Exchange, type: NonNullable<MasterCall['type']>): void {
  if (type === 'SUBSCRIBE' || views[type] !== undefined) exchange.need('view');
  else if (type === 'TEARDOWN') exchange.need('teardown');
  else exchange.need('operate', type);
}

/** Does what a call asks for, in whatever words it came, and answers it. */
export function perform(cluster: Cluster, exchange: Exchange, call: MasterCall): void {
  const { type } = call;
  if (type === undefined) throw new HttpError(400, "Expecting 'type' to be present");
  if (type === 'UNKNOWN') throw new HttpError(400, 'Unknown call type');
  needFor(exchange, type);
  if (type === 'SUBSCRIBE') {
    subscribe(cluster, exchange);
    return;
  }
  const view = views[type];
  if (view !== undefined) {
    const response: MasterResponse = { type: type as MasterResponse['type'], ...view(cluster, call) };
    exchange.answer('mesos.v1.master.Response', response);
    return;
  }
  const change = changes[type];
  if (change !== undefined) {
    change(cluster, call);
    // Once it outlives this master.
    cluster.store.flushed(() => exchange.done());
    return;
  }
  const reservation = reservations[type];
  if (reservation === undefined) throw new HttpError(501, `${type} is not implemented`);
  reservation(cluster, call);
  cluster.store.flushed(() => exchange.accepted());
}

/** The stream of everything that happens, after a picture of how it is. */
function subscribe(cluster: Cluster, exchange: Exchange): void {
  const codec = exchange.answerCodec;
  const records = exchange.stream({ 'Content-Type': codec.contentType }, cluster.config.streamLimit);
  const watcher = {
    send: (event: Parameters<Cluster['tell']>[0]) => {
      records.write(codec.encode('mesos.v1.master.Event', event));
    },
    end: () => records.end(),
  };
  watcher.send({
    type: 'SUBSCRIBED',
    subscribed: { get_state: stateOf(cluster), heartbeat_interval_seconds: cluster.config.heartbeat },
  });
  watcher.send({ type: 'HEARTBEAT' });
  cluster.watchers.add(watcher);
  records.onClose(() => cluster.watchers.remove(watcher));
}
