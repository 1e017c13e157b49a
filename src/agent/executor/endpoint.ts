import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type { ApiServer } from '../../http/server.js';
import type { Agent } from '../agent.js';
import type { Executor } from './executor.js';
import { type Origin, originOf } from './origin.js';
import { ExecutorStream } from './stream.js';
import { validateCall } from './validate-call.js';

/** Bytes of events that may wait for an executor. */
const streamLimit = 16 * 1024 * 1024;

/** The executor API: where the executors of this agent, and nobody else, say what becomes of their tasks. */
export function addExecutorApi(agent: Agent, server: ApiServer): void {
  server.callsOfOthers(
    ['/api/v1/executor', '/slave(1)/api/v1/executor'],
    (request) => {
      const origin = originOf(request, agent.executors.all(), agent.roots);
      // Before a body is read: any program in a container on the host's network comes so far.
      const its = [...agent.executors.all()].find((executor) => mayBe(origin, executor));
      if (its === undefined) throw anotherOne();
      agent.executorConnections.take(its.containerId, request);
      return origin;
    },
    (exchange, origin) => executorCall(agent, exchange, origin),
  );
}

/** One call of the executor API. Refusals come in the order of the reference. */
function executorCall(agent: Agent, exchange: Exchange, origin: Origin): void {
  const { executors } = agent;
  const call = exchange.decode('mesos.v1.executor.Call');
  validateCall(call);
  const codec = call.type === 'SUBSCRIBE' ? exchange.answerCodec : undefined;
  const executor = executors.find(call.framework_id.value, call.executor_id.value);
  if (!mayBe(origin, executor)) throw anotherOne();
  if (executor === undefined) {
    const known = [...executors.all()].some(({ frameworkId }) => frameworkId === call.framework_id.value);
    throw new HttpError(400, known ? 'Executor cannot be found' : 'Framework cannot be found');
  }
  if (codec !== undefined) {
    const records = exchange.stream({ 'Content-Type': codec.contentType }, streamLimit);
    const stream = new ExecutorStream(records, codec);
    records.onClose(() => executors.disconnected(executor, stream));
    executors.subscribe(executor, stream, call.subscribe);
    return;
  }
  if (!executor.subscribed) throw new HttpError(403, 'Executor is not subscribed');
  if (call.type === 'UPDATE' && call.update !== undefined && !executors.update(executor, call.update.status))
    throw new HttpError(429, 'Too many updates of this task wait for its framework');
  if (call.type === 'MESSAGE' && call.message !== undefined) executors.say(executor, call.message.data);
  exchange.accepted();
}

const anotherOne = () => new HttpError(403, 'This executor is another one');

/** Nobody learns of other executors whether they are there. */
function mayBe(origin: Origin, executor: Executor | undefined): boolean {
  switch (origin.kind) {
    case 'executor':
      return executor?.key === origin.key;
    case 'container':
      return executor?.containerId === origin.id;
  }
}
