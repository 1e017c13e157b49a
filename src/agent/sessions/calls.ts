import { signalContainer } from '../../containerizer/container/stop.js';
import { waitForExit } from '../../containerizer/container/wait.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type { ContainerID } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import type { ApiExtension } from '../api/extension.js';
import { rawStatus } from '../executor/ending.js';
import { takeInput } from './input.js';
import { answerWithOutput } from './output.js';
import { Sessions } from './sessions.js';

const SIGKILL = 9;

/** What the operator API has for those who look into containers: programs that live as long as their client's connection, and streams in and out. */
export function sessionCalls(agent: Agent): ApiExtension {
  const sessions = new Sessions(agent);
  const wait = waiting(agent, sessions);
  const kill = killing(agent, sessions);
  const remove = removing(sessions);
  /** Who may run containers of nobody in the cluster may not therefore do as they like with others. Throws HttpError 403 or 404. */
  const ofTask = <Body extends { container_id: ContainerID }>(exchange: Exchange, body: Body): Body => {
    const { container_id } = body;
    if (sessions.find(container_id.value) === undefined) sessions.container(container_id);
    exchange.need('enter_containers');
    return body;
  };
  return {
    calls: {
      async LAUNCH_NESTED_CONTAINER_SESSION(exchange, { launch_nested_container_session: call }) {
        const { container_id, command = {}, container } = given(call, 'launch_nested_container_session');
        if (sessions.find(container_id.value) !== undefined) {
          exchange.accepted();
          return;
        }
        const session = await sessions.launch(container_id, command, container);
        try {
          answerWithOutput(exchange, session, () => session.leave());
        } catch (error) {
          session.leave();
          throw error;
        }
      },
      async ATTACH_CONTAINER_OUTPUT(exchange, { attach_container_output: call }) {
        const { container_id } = given(call, 'attach_container_output');
        const sent = sessions.find(container_id.value);
        if (sent !== undefined) {
          answerWithOutput(exchange, sent, () => {});
          return;
        }
        const session = await sessions.attach(sessions.container(container_id), false);
        answerWithOutput(exchange, session, () => session.leave());
      },
      ATTACH_CONTAINER_INPUT() {
        throw new HttpError(415, "Expecting 'Content-Type' of application/recordio");
      },
      WAIT_NESTED_CONTAINER: (exchange, { wait_nested_container: call }) =>
        wait(exchange, 'wait_nested_container', given(call, 'wait_nested_container')),
      WAIT_CONTAINER: (exchange, { wait_container: call }) =>
        wait(exchange, 'wait_container', ofTask(exchange, given(call, 'wait_container'))),
      KILL_NESTED_CONTAINER: (exchange, { kill_nested_container: call }) =>
        kill(exchange, given(call, 'kill_nested_container')),
      KILL_CONTAINER: (exchange, { kill_container: call }) =>
        kill(exchange, ofTask(exchange, given(call, 'kill_container'))),
      REMOVE_NESTED_CONTAINER: (exchange, { remove_nested_container: call }) =>
        remove(exchange, given(call, 'remove_nested_container')),
      REMOVE_CONTAINER: (exchange, { remove_container: call }) =>
        remove(exchange, ofTask(exchange, given(call, 'remove_container'))),
    },
    records: (exchange) => takeInput(sessions, exchange),
  };
}

function waiting(agent: Agent, sessions: Sessions) {
  return async (
    exchange: Exchange,
    body: 'wait_nested_container' | 'wait_container',
    { container_id }: { container_id: ContainerID },
  ): Promise<void> => {
    const session = sessions.find(container_id.value);
    const ended = session?.ended ?? waitForExit(agent.roots, sessions.container(container_id), exchange.gone);
    const exit = await exchange.whileHeard(ended);
    if (exit === undefined) return;
    const type = body === 'wait_container' ? 'WAIT_CONTAINER' : 'WAIT_NESTED_CONTAINER';
    exchange.answer('mesos.v1.agent.Response', { type, [body]: { exit_status: rawStatus(exit) } });
  };
}

function killing(agent: Agent, sessions: Sessions) {
  return async (
    exchange: Exchange,
    { container_id, signal = SIGKILL }: { container_id: ContainerID; signal?: number | undefined },
  ): Promise<void> => {
    const session = sessions.find(container_id.value);
    if (session === undefined) {
      const container = sessions.container(container_id);
      try {
        await signalContainer(agent.roots, container, signal);
      } catch (error) {
        if (error instanceof BerthError) throw new HttpError(400, error.message);
        throw error;
      }
    } else if (session.exit === undefined) session.signal(signal);
    exchange.done();
  };
}

function removing(sessions: Sessions) {
  return (exchange: Exchange, { container_id }: { container_id: ContainerID }): void => {
    if (sessions.find(container_id.value) === undefined) sessions.container(container_id);
    sessions.remove(container_id.value);
    exchange.done();
  };
}

function given<T>(body: T | undefined, name: string): T {
  if (body === undefined) throw new HttpError(400, `Expecting '${name}' to be present`);
  return body;
}
