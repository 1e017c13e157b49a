import { doorSettings } from '../settings/door.js';
import { forSome, permissionsSchema, whole } from '../settings/permissions.js';
import { atLeast, text } from '../settings/schema.js';
import { as, type Setting, type Settings } from '../settings/setting.js';
import type { MasterConfig } from './config.js';

const number = (
  name: string,
  key: keyof MasterConfig,
  about: string,
  shown: number,
  least: number,
): Setting<MasterConfig> => ({ name, schema: atLeast(least), about, shown, take: as(key) });

/** What may be done at the master's API. */
export const masterActions = {
  register_agents: whole,
  register_frameworks: forSome('roles'),
  run_tasks: forSome('users'),
  view: whole,
  teardown: whole,
  operate: forSome('types of calls'),
};

export const masterSettings: Settings<MasterConfig> = {
  daemon: 'master',
  prefix: 'BERTH_MASTER_',
  // Of those who ask a master.
  foreign: ['BERTH_MASTER_TOKEN'],
  members: [
    ...doorSettings<MasterConfig>(
      5050,
      'Who signs the certificates of those who are let in by the name (CN) of their own',
    ),
    {
      name: 'permissions',
      schema: permissionsSchema(masterActions),
      about: 'Which principal may do what (docs/reference/permissions.md)',
      shown: { agents: { register_agents: true }, '*': { view: true } },
      otherwise: 'whoever is heard may do everything',
      take: as('permissions'),
    },
    {
      name: 'hostname',
      schema: text,
      about: 'What it calls itself in MasterInfo',
      shown: 'host1',
      otherwise: 'the name of the host',
      take: as('hostname'),
    },
    {
      name: 'cluster',
      schema: text,
      about: 'The name of the cluster in /state',
      shown: '',
      take: as('cluster'),
    },
    number('heartbeat_seconds', 'heartbeat', 'Between heartbeats to frameworks and watchers', 5, 0.1),
    number(
      'agent_heartbeat_seconds',
      'agentHeartbeat',
      'Between heartbeats of agents and master, both ways',
      5,
      0.1,
    ),
    number('agent_timeout_seconds', 'agentTimeout', 'Silence after which an agent is unreachable', 15, 0.3),
    number(
      'agent_reregister_timeout_seconds',
      'reregisterTimeout',
      'How long it waits after its own start for agents that it knew',
      600,
      1,
    ),
    number(
      'operation_retry_seconds',
      'operationRetry',
      'Until the status of an operation that nobody acknowledges is said again, then twice as long',
      10,
      0.1,
    ),
    number('operation_retry_most_seconds', 'operationRetryMost', 'The longest of these pauses', 600, 0.1),
    number(
      'completed_tasks_per_framework',
      'mostCompletedTasks',
      'Finished tasks of each framework that are remembered, in memory',
      1000,
      0,
    ),
    number(
      'completed_frameworks',
      'mostCompletedFrameworks',
      'Frameworks that have gone and are remembered',
      50,
      1,
    ),
  ],
};
