import { constants } from 'node:os';
import { readContainer } from '../../containerizer/container/catalogue.js';
import { BerthError } from '../../errors/berth-error.js';
import type { Exchange } from '../../http/exchange.js';
import { HttpError } from '../../http/http-error.js';
import type { AgentCall, ContainerID } from '../../mesos/messages.js';
import type { Agent } from '../agent.js';
import type { ApiExtension, CallHandler, CallType } from '../api/extension.js';
import { required } from '../api/required.js';
import { rawStatus } from '../executor/ending.js';
import { asExecutor } from './executor-user.js';
import { type Holder, holderOf } from './holder.js';
import type { Nested } from './nested.js';

/** A folder is called so, and a cgroup. */
const nameForm = /^[\w-][\w.-]{0,254}$/;

/** Containers below others: launched, waited for, ended and removed by an operator, or by the executor that they are below. Calls about other containers go on to `others`. */
export function nestedCalls(agent: Agent, others: ApiExtension): ApiExtension {
  const launch = async (
    exchange: Exchange,
    { container_id, command, container }: NonNullable<AgentCall['launch_nested_container']>,
  ) => {
    const { value, parent } = container_id;
    if (parent === undefined) throw new HttpError(400, "Expecting 'container_id.parent' to be present");
    if (!nameForm.test(value))
      throw new HttpError(
        400,
        `'${value}' is no id of a container: letters, digits, dots, dashes and underscores`,
      );
    const holder = runningHolder(agent, parent);
    if (!mayBe(exchange, holder)) throw new HttpError(403, 'That container is not below this executor');
    const { executor } = exchange.identity;
    const asked =
      executor === undefined
        ? { command: command ?? {}, user: holder.user }
        : asExecutor(agent, executor, command, container);
    if (agent.nested.find(holder.containerId, value) !== undefined) {
      exchange.accepted();
      return;
    }
    try {
      await agent.nested.launch(
        {
          ...{ name: container_id, parent: holder.containerId, root: holder.root, place: holder.place },
          folders: [...holder.folders, 'containers', value],
        },
        { ...asked, container },
      );
    } catch (error) {
      if (error instanceof BerthError) throw new HttpError(400, error.message);
      throw error;
    }
    exchange.done();
  };
  const about =
    (
      type: CallType,
      idOf: (call: AgentCall) => ContainerID,
      own: (exchange: Exchange, nested: Nested, call: AgentCall) => void | Promise<void>,
    ): CallHandler =>
    (exchange, call) => {
      const id = idOf(call);
      const holder = id.parent && holderOf(agent, id.parent);
      const nested = holder && agent.nested.find(holder.containerId, id.value);
      if (nested !== undefined && mayBe(exchange, nested.record)) return own(exchange, nested, call);
      if (exchange.identity.executor !== undefined)
        throw new HttpError(404, `Container ${id.value} cannot be found`);
      const other = others.calls?.[type];
      if (other === undefined) throw new HttpError(404, `Container ${id.value} cannot be found`);
      return other(exchange, call);
    };
  const wait =
    (type: 'WAIT_CONTAINER' | 'WAIT_NESTED_CONTAINER') => async (exchange: Exchange, nested: Nested) => {
      const end = await exchange.whileHeard(nested.ended);
      if (end === undefined) return;
      const exit_status = rawStatus(end);
      exchange.answer('mesos.v1.agent.Response', {
        type,
        ...(type === 'WAIT_CONTAINER'
          ? { wait_container: { exit_status } }
          : { wait_nested_container: { exit_status } }),
      });
    };
  const kill = (exchange: Exchange, nested: Nested, signal: number = constants.signals.SIGKILL) => {
    if (nested.exit !== undefined)
      throw new HttpError(404, `Container ${nested.record.name.value} has ended already`);
    if (nested.container === undefined) throw new HttpError(409, 'The container does not run yet');
    agent.nested.signal(nested, signal);
    exchange.done();
  };
  const remove = async (exchange: Exchange, nested: Nested) => {
    if (nested.exit === undefined) throw new HttpError(409, 'The container has not ended');
    await agent.nested.remove(nested);
    exchange.done();
  };
  const launchOther = others.calls?.LAUNCH_CONTAINER;
  return {
    ...others,
    calls: {
      ...others.calls,
      LAUNCH_NESTED_CONTAINER: (exchange, call) =>
        launch(exchange, required(call, 'launch_nested_container')),
      LAUNCH_CONTAINER(exchange, call) {
        const asked = required(call, 'launch_container');
        if (asked.container_id.parent === undefined && launchOther !== undefined) {
          if (exchange.identity.executor !== undefined)
            throw new HttpError(403, 'That container is not below this executor');
          return launchOther(exchange, call);
        }
        if ((asked.resources ?? []).length > 0 || Object.keys(asked.limits ?? {}).length > 0)
          throw new HttpError(400, 'A container below another has no resources of its own');
        return launch(exchange, asked);
      },
      WAIT_NESTED_CONTAINER: about(
        'WAIT_NESTED_CONTAINER',
        (call) => required(call, 'wait_nested_container').container_id,
        wait('WAIT_NESTED_CONTAINER'),
      ),
      WAIT_CONTAINER: about(
        'WAIT_CONTAINER',
        (call) => required(call, 'wait_container').container_id,
        wait('WAIT_CONTAINER'),
      ),
      KILL_NESTED_CONTAINER: about(
        'KILL_NESTED_CONTAINER',
        (call) => required(call, 'kill_nested_container').container_id,
        (exchange, nested, call) => kill(exchange, nested, call.kill_nested_container?.signal),
      ),
      KILL_CONTAINER: about(
        'KILL_CONTAINER',
        (call) => required(call, 'kill_container').container_id,
        (exchange, nested, call) => kill(exchange, nested, call.kill_container?.signal),
      ),
      REMOVE_NESTED_CONTAINER: about(
        'REMOVE_NESTED_CONTAINER',
        (call) => required(call, 'remove_nested_container').container_id,
        remove,
      ),
      REMOVE_CONTAINER: about(
        'REMOVE_CONTAINER',
        (call) => required(call, 'remove_container').container_id,
        remove,
      ),
    },
  };
}

/** An executor is heard about what is below its own container. */
function mayBe({ identity }: Exchange, { root }: { root: string }): boolean {
  return identity.executor === undefined || identity.executor === root;
}

function runningHolder(agent: Agent, id: ContainerID): Holder {
  const holder = holderOf(agent, id);
  if (holder === undefined || readContainer(agent.roots, holder.containerId)?.state !== 'running')
    throw new HttpError(404, `Container ${id.value} cannot be found`);
  return holder;
}
