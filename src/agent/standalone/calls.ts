import { constants } from 'node:os';
import { type Container, readContainer } from '../../containerizer/container/catalogue.js';
import { holderOf } from '../../containerizer/container/name-links.js';
import { settle } from '../../containerizer/container/settle.js';
import { signalContainer } from '../../containerizer/container/stop.js';
import { waitForExit } from '../../containerizer/container/wait.js';
import { BerthError } from '../../errors/berth-error.js';
import { HttpError } from '../../http/http-error.js';
import type { AgentCall, ContainerID } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import type { ApiExtension, CallHandler, CallType } from '../api/extension.js';
import { required } from '../api/required.js';
import { rawStatus } from '../executor/ending.js';
import { retireContainer } from '../sandbox/retire.js';
import { launchStandalone, standalonePlace } from './launch.js';

/** What names of berth allow. */
const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/;

type Own = (
  exchange: Parameters<CallHandler>[0],
  call: AgentCall,
  container: Container,
) => void | Promise<void>;

/**
 * Containers of nobody in the cluster: launched, waited for, ended and removed by an operator. They outlive the agent. Calls about other containers go on to
 * `others`.
 */
export function standaloneCalls(agent: Agent, others: ApiExtension): ApiExtension {
  const launching = new Set<string>();
  const handler =
    (type: CallType, idOf: (call: AgentCall) => ContainerID, own: Own): CallHandler =>
    (exchange, call) => {
      const container = named(agent, idOf(call));
      if (container !== undefined) return own(exchange, call, container);
      const other = others.calls?.[type];
      if (other === undefined) throw new HttpError(404, 'Container cannot be found');
      return other(exchange, call);
    };
  return {
    ...others,
    calls: {
      ...others.calls,
      async LAUNCH_CONTAINER(exchange, call) {
        const asked = required(call, 'launch_container');
        const { value } = asked.container_id;
        if (!nameForm.test(value))
          throw new HttpError(400, 'container_id has 1 to 63 letters, digits, dots, dashes and underscores');
        if (launching.has(value) || named(agent, asked.container_id) !== undefined) {
          exchange.accepted();
          return;
        }
        launching.add(value);
        try {
          await launchStandalone(agent, asked);
          exchange.done();
        } catch (error) {
          if (error instanceof BerthError) throw new HttpError(400, error.message);
          throw error;
        } finally {
          launching.delete(value);
        }
      },
      WAIT_CONTAINER: handler(
        'WAIT_CONTAINER',
        (call) => required(call, 'wait_container').container_id,
        async (exchange, _, container) => {
          const exit = await exchange.whileHeard(waitForExit(agent.roots, container, exchange.gone));
          if (exit === undefined) return;
          exchange.answer('mesos.v1.agent.Response', {
            type: 'WAIT_CONTAINER',
            wait_container: { exit_status: rawStatus(exit) },
          });
        },
      ),
      KILL_CONTAINER: handler(
        'KILL_CONTAINER',
        (call) => required(call, 'kill_container').container_id,
        async (exchange, call, container) => {
          const { signal = constants.signals.SIGKILL } = required(call, 'kill_container');
          if (container.state !== 'running') throw new HttpError(409, 'The container does not run');
          await signalContainer(agent.roots, container, signal);
          exchange.done();
        },
      ),
      REMOVE_CONTAINER: handler(
        'REMOVE_CONTAINER',
        (call) => required(call, 'remove_container').container_id,
        (exchange, _, container) => {
          if (container.exit === undefined) throw new HttpError(409, 'The container has not ended');
          const { id, name } = container.document;
          retireContainer(agent, standalonePlace(agent, name, id));
          exchange.done();
        },
      ),
    },
  };
}

function named({ roots }: Agent, { value, parent }: ContainerID): Container | undefined {
  const id = parent === undefined && nameForm.test(value) ? holderOf(roots, value) : undefined;
  const container = id === undefined ? undefined : readContainer(roots, id);
  return container === undefined ? undefined : settle(roots, container);
}
