import { storeName } from '../../containerizer/image/load.js';
import { pruneImages } from '../../containerizer/reclaim/prune-images.js';
import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import { mediaType } from '../../http/negotiation.js';
import { jsonCodec } from '../../mesos/codec.js';
import type { AgentCall, AgentResponse } from '../../mesos/messages.js';
import { referenceOf } from '../container/image.js';
import type { ApiContext } from './context.js';
import type { ApiExtension, CallHandler, CallType } from './extension.js';
import { needsOf } from './permission.js';
import { containersAsked, views } from './views.js';

/** About containers below their own; whether one is, is seen where the call is answered. */
const callsOfExecutors: ReadonlySet<CallType> = new Set([
  ...(['LAUNCH_NESTED_CONTAINER', 'WAIT_NESTED_CONTAINER', 'KILL_NESTED_CONTAINER'] as const),
  ...(['REMOVE_NESTED_CONTAINER', 'LAUNCH_CONTAINER', 'WAIT_CONTAINER'] as const),
  ...(['KILL_CONTAINER', 'REMOVE_CONTAINER'] as const),
]);

const notForExecutors = () => new HttpError(403, 'An executor may not ask this');

/** The operator API: what it has itself, and what other parts of the agent have hung into it. */
export function operatorCalls(
  context: ApiContext,
  extensions: readonly ApiExtension[],
): (exchange: Exchange) => void | Promise<void> {
  const own: Partial<Record<CallType, CallHandler>> = {
    PRUNE_IMAGES: async (exchange, { prune_images: { excluded_images = [] } = {} }) => {
      const keep = excluded_images.map((image) => storeName(referenceOf(image)));
      await pruneImages(context.agent.roots, { all: true, keep });
      exchange.done();
    },
    SET_LOGGING_LEVEL: (exchange) => exchange.done(),
  };
  return async (exchange) => {
    const ofExecutor = exchange.identity.executor !== undefined;
    if (mediaType(exchange.header('content-type')) === 'application/recordio') {
      const taker = extensions.find(({ records }) => records !== undefined)?.records;
      if (ofExecutor) throw notForExecutors();
      exchange.need('enter_containers');
      if (taker === undefined) throw new HttpError(501, 'Streams of records are not implemented');
      return taker(exchange);
    }
    const call = exchange.decode('mesos.v1.agent.Call');
    const { type } = call;
    if (type === undefined) throw new HttpError(400, "Expecting 'type' to be present");
    if (type === 'UNKNOWN') throw new HttpError(400, 'Unknown call type');
    if (ofExecutor && !callsOfExecutors.has(type)) throw notForExecutors();
    // What an executor may do is its own affair, not a permission's.
    if (!ofExecutor) for (const need of needsOf(type, call)) exchange.need(...need);
    if (await answeredInText(context, exchange, call)) return;
    const view = views[type];
    if (view !== undefined) {
      const body = await view(context, call);
      exchange.answer('mesos.v1.agent.Response', { type: type as AgentResponse['type'], ...body });
      return;
    }
    const handler = extensions.find(({ calls }) => calls?.[type] !== undefined)?.calls?.[type] ?? own[type];
    if (handler === undefined) throw new HttpError(501, `${type} is not implemented`);
    await handler(exchange, call);
  };
}

/** What is long, and is asked for all the time. False: it is something else, or wanted otherwise. */
async function answeredInText(context: ApiContext, exchange: Exchange, call: AgentCall): Promise<boolean> {
  const { stateText, containerTexts } = context;
  // Others may be answered by a stream, which has no codec of its own.
  if (call.type !== 'GET_STATE' && call.type !== 'GET_CONTAINERS') return false;
  if (exchange.answerCodec !== jsonCodec) return false;
  if (call.type === 'GET_STATE') return exchange.answerText(() => stateText.of(context));
  const entries = await containersAsked(context, call);
  return exchange.answerText(() => containerTexts.answer(entries));
}
