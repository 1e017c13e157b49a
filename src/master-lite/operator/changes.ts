import { HttpError } from '../../http/http-error.js';
import type { DrainConfig, MachineID, MasterCall, QuotaQuotaConfig } from '../../mesos/messages.js';
import { Resources } from '../../mesos/resources/resources.js';
import { invalidRole, mostScalar } from '../../mesos/resources/validate.js';
import { deactivate, drain, reactivate } from '../agents/drain.js';
import { markGone } from '../agents/loss.js';
import type { Quota } from '../allocator/quotas.js';
import type { Cluster } from '../cluster.js';
import { removeFramework } from '../frameworks.js';
import { isOn, machinesChanged } from '../inverse-offers.js';
import type { Agent } from '../model/agent.js';
import { type StoredQuota, setWeight } from '../recovery.js';
import { agentOf, longestDuration, required } from './body.js';

type Change = (cluster: Cluster, call: MasterCall) => void;

/** What an operator can have done; each is durable before it is answered. */
export const changes: Partial<Record<NonNullable<MasterCall['type']>, Change>> = {
  // There is one level: everything that matters is written.
  SET_LOGGING_LEVEL: (_, call) => {
    required(call, 'set_logging_level');
  },
  UPDATE_WEIGHTS(cluster, call) {
    const infos = required(call, 'update_weights').weight_infos ?? [];
    for (const { role = '', weight } of infos) {
      const why = invalidRole(role);
      if (why !== undefined) throw new HttpError(400, why);
      if (!(weight > 0 && weight <= mostScalar))
        throw new HttpError(
          400,
          `Weight ${weight} of role '${role}' is not positive, or above ${mostScalar}`,
        );
    }
    for (const { role = '', weight } of infos) {
      setWeight(cluster, role, weight);
      cluster.store.put('weight', role, weight);
    }
  },
  UPDATE_QUOTA(cluster, call) {
    const configs = required(call, 'update_quota').quota_configs ?? [];
    // All of them, or none.
    const quotas = configs.map((config) => [config.role, quotaOf(config)] as const);
    for (const [role, quota] of quotas) setQuota(cluster, role, quota);
  },
  SET_QUOTA(cluster, call) {
    const { role = '', guarantee = [] } = required(call, 'set_quota').quota_request;
    const amounts: Record<string, { value: number }> = {};
    Resources.of(guarantee).eachScalar((name, thousandths) => {
      amounts[name] = { value: thousandths / 1000 };
    });
    setQuota(cluster, role, quotaOf({ role, guarantees: amounts, limits: amounts }));
  },
  REMOVE_QUOTA(cluster, call) {
    setQuota(cluster, required(call, 'remove_quota').role, { guarantees: new Map(), limits: new Map() });
  },
  TEARDOWN(cluster, call) {
    const id = required(call, 'teardown').framework_id.value;
    const framework = cluster.frameworks.get(id);
    if (framework === undefined) throw new HttpError(400, `No framework found with specified ID ${id}`);
    framework.link?.send({ type: 'ERROR', error: { message: 'Framework has been removed' } });
    removeFramework(cluster, framework);
  },
  MARK_AGENT_GONE(cluster, call) {
    markGone(cluster, agentOf(cluster, required(call, 'mark_agent_gone').agent_id), 'gone');
  },
  DRAIN_AGENT(cluster, call) {
    const { agent_id, max_grace_period: period, mark_gone } = required(call, 'drain_agent');
    const agent = agentOf(cluster, agent_id);
    if (agent.stored.state === 'gone') throw new HttpError(400, `Agent ${agent.id} is gone`);
    const nanoseconds = (period?.seconds ?? 0) * 1e9 + (period?.nanos ?? 0);
    if (nanoseconds < 0) throw new HttpError(400, "'max_grace_period' is negative");
    if (nanoseconds >= longestDuration)
      throw new HttpError(400, "'max_grace_period' is longer than 292 years, which no agent can be told");
    const config: DrainConfig = {
      ...(period !== undefined && { max_grace_period: { nanoseconds } }),
      mark_gone: mark_gone ?? false,
    };
    drain(cluster, agent, config);
  },
  DEACTIVATE_AGENT(cluster, call) {
    deactivate(cluster, agentOf(cluster, required(call, 'deactivate_agent').agent_id));
  },
  REACTIVATE_AGENT(cluster, call) {
    const agent = agentOf(cluster, required(call, 'reactivate_agent').agent_id);
    if (agent.stored.drain !== undefined && !agent.drained)
      throw new HttpError(400, `Agent ${agent.id} is still draining: ${whatDrains(agent)}`);
    reactivate(cluster, agent);
  },
  UPDATE_MAINTENANCE_SCHEDULE(cluster, call) {
    const { schedule } = required(call, 'update_maintenance_schedule');
    const why = cluster.maintenance.invalid(schedule);
    if (why !== undefined) throw new HttpError(400, why);
    const changed = cluster.maintenance.replace(schedule);
    keepMaintenance(cluster);
    machinesChanged(cluster, changed);
  },
  START_MAINTENANCE(cluster, call) {
    const machines = machinesOf(cluster, required(call, 'start_maintenance').machines, false);
    for (const { machine } of machines) machine.down = true;
    keepMaintenance(cluster);
    for (const { id } of machines)
      for (const agent of [...cluster.agents.values()])
        if (isOn(agent, id) && agent.stored.state !== 'gone') markGone(cluster, agent, 'left');
  },
  STOP_MAINTENANCE(cluster, call) {
    const machines = machinesOf(cluster, required(call, 'stop_maintenance').machines, true);
    const ids = machines.map(({ id }) => id);
    cluster.maintenance.stop(ids);
    keepMaintenance(cluster);
    machinesChanged(cluster, ids);
  },
};

/** What its drain waits for: it is over once no framework can still be told of a task there. */
function whatDrains({ tasks }: Agent): string {
  const ended = [...tasks.values()].filter((record) => record.ended).length;
  const parts = [
    ...(tasks.size > ended ? [`${tasks.size - ended} of its tasks have not ended`] : []),
    ...(ended > 0 ? [`of ${ended} that have ended, their frameworks have not acknowledged it`] : []),
  ];
  return parts.join(', and ');
}

function keepMaintenance(cluster: Cluster): void {
  cluster.store.put('maintenance', 'schedule', cluster.maintenance.stored);
}

/** Machines of the schedule, all of them down or none of them yet. */
function machinesOf(cluster: Cluster, ids: readonly MachineID[] = [], down: boolean) {
  if (ids.length === 0) throw new HttpError(400, 'List of machines is empty');
  return ids.map((id) => {
    const machine = cluster.maintenance.find(id);
    const name = `'${id.hostname ?? ''} ${id.ip ?? ''}'`;
    if (machine === undefined)
      throw new HttpError(400, `Machine ${name} is not part of a maintenance schedule`);
    if (machine.down !== down)
      throw new HttpError(400, `Machine ${name} is ${down ? 'not in' : 'already in'} maintenance`);
    return { id, machine };
  });
}

function quotaOf({ role, guarantees = {}, limits = {} }: QuotaQuotaConfig): Quota {
  const why = role === '*' ? "role '*' cannot have a quota" : invalidRole(role);
  if (why !== undefined) throw new HttpError(400, why);
  const thousandths = (amounts: Record<string, { value: number }>) =>
    new Map(
      Object.entries(amounts).map(([name, { value }]) => {
        // What JSON has no word for would be another quota after a restart.
        if (!(value >= 0 && value <= mostScalar))
          throw new HttpError(400, `Quota of '${name}' is ${value}, and must be from 0 to ${mostScalar}`);
        return [name, Math.round(value * 1000)] as const;
      }),
    );
  const quota = { guarantees: thousandths(guarantees), limits: thousandths(limits) };
  for (const [name, amount] of quota.guarantees)
    if (amount > (quota.limits.get(name) ?? Number.POSITIVE_INFINITY))
      throw new HttpError(400, `Role '${role}' is guaranteed more '${name}' than its limit`);
  return quota;
}

function setQuota(cluster: Cluster, role: string, quota: Quota): void {
  cluster.allocator.setQuota(role, quota);
  const stored: StoredQuota = {
    guarantees: Object.fromEntries(quota.guarantees),
    limits: Object.fromEntries(quota.limits),
  };
  cluster.store.put('quota', role, stored);
}
