import { credentialSchema } from '../settings/credentials.js';
import { doorSettings } from '../settings/door.js';
import { forSome, permissionsSchema, whole } from '../settings/permissions.js';
import {
  absolutePath,
  absolutePaths,
  atLeast,
  oneOf,
  someTexts,
  text,
  texts,
  truth,
} from '../settings/schema.js';
import { as, type Setting, type Settings } from '../settings/setting.js';
import type { AgentConfig } from './config.js';

const seconds = (
  name: string,
  key: keyof AgentConfig,
  about: string,
  shown: number,
  least = 0,
): Setting<AgentConfig> => ({ name, schema: atLeast(least), about, shown, take: as(key) });

/** What may be done at the agent's own API. */
export const agentActions = {
  view: whole,
  read_sandboxes: whole,
  enter_containers: whole,
  run_containers: forSome('users'),
  operate: forSome('types of calls'),
};

export const agentSettings: Settings<AgentConfig> = {
  daemon: 'agent',
  prefix: 'BERTH_AGENT_',
  // Of those who ask an agent.
  foreign: ['BERTH_AGENT_TOKEN', 'BERTH_AGENT_PASSWORD'],
  members: [
    {
      name: 'masters',
      schema: someTexts,
      about: 'URLs of masters, tried in turn',
      shown: ['http://127.0.0.1:5050'],
      flag: '--master',
      take: as('masters'),
    },
    {
      name: 'master_credential',
      schema: credentialSchema,
      about: 'What the master knows this agent by: a principal and a secret, or a token',
      shown: { principal: 'agents', secret: 'a long random text' },
      otherwise: 'its certificate, or that it is root on the master’s own host',
      secret: true,
      take: as('masterCredential'),
    },
    ...doorSettings<AgentConfig>(
      5051,
      'Who signs the certificates of masters, and of those who are let in here by the name (CN) of their own',
    ),
    {
      name: 'permissions',
      schema: permissionsSchema(agentActions),
      about: 'Which principal may do what here (docs/reference/permissions.md)',
      shown: { people: { view: true, read_sandboxes: true }, '*': { view: true } },
      otherwise: 'whoever is heard may do everything',
      take: as('permissions'),
    },
    {
      name: 'hostname',
      schema: { ...text, minLength: 1, description: 'a text that is not empty' },
      about: 'What it is called in the cluster',
      shown: 'host7',
      otherwise: 'the name that the host had when it registered',
      flag: '--hostname',
      take: as('hostname'),
    },
    {
      name: 'resources',
      schema: text,
      about: 'What it offers; what is not named is found out',
      shown: 'cpus:4;mem:8192',
      otherwise: 'all CPUs, memory but 1 GiB and disk but 5 GiB (or half of them), ports 31000 to 32000',
      flag: '--resources',
      take: as('resources'),
    },
    {
      name: 'attributes',
      schema: text,
      about: 'What frameworks may choose hosts by',
      shown: 'rack:a;zone:b',
      otherwise: 'none',
      flag: '--attributes',
      take: as('attributes'),
    },
    {
      name: 'sandboxes',
      schema: absolutePath,
      about: 'Where the sandboxes of tasks lie',
      shown: '/var/lib/berth/sandboxes',
      otherwise: 'ROOT/sandboxes',
      take: as('sandboxes'),
    },
    seconds(
      'sandbox_keep_seconds',
      'sandboxKeep',
      'How long a sandbox is kept after its task’s end at most',
      604_800,
    ),
    {
      name: 'sandbox_headroom',
      schema: atLeast(0),
      about: 'The part of the disk that is to stay free of old sandboxes',
      shown: 0.1,
      take: as('sandboxHeadroom'),
    },
    seconds(
      'kill_grace_seconds',
      'killGrace',
      'Between SIGTERM and SIGKILL of a task, where nobody says another',
      3,
    ),
    seconds(
      'executor_registration_seconds',
      'executorRegistration',
      'In which an executor must have subscribed',
      60,
      0.1,
    ),
    seconds(
      'executor_reregistration_seconds',
      'executorReregistration',
      'The same after the agent has come back',
      2,
      0.1,
    ),
    seconds(
      'executor_shutdown_grace_seconds',
      'executorShutdownGrace',
      'What an executor has to end its tasks, where it does not say itself',
      5,
    ),
    seconds(
      'executor_recovery_seconds',
      'executorRecovery',
      'What executors are told that an agent may take to come back',
      900,
    ),
    seconds(
      'update_retry_seconds',
      'updateRetry',
      'After which an update that nobody acknowledges is said again, then after twice as long, and so on',
      10,
      0.1,
    ),
    seconds('update_retry_most_seconds', 'updateRetryMost', 'The longest of these pauses', 600, 0.1),
    seconds(
      'reconnect_seconds',
      'reconnect',
      'Between attempts to reach a master: the first pause',
      0.1,
      0.01,
    ),
    seconds('reconnect_most_seconds', 'reconnectMost', 'The longest of these pauses', 15, 0.01),
    {
      name: 'cpu_ceiling',
      schema: truth,
      about: 'Whether cpus is also a ceiling, not a share alone',
      shown: false,
      take: as('cpuCeiling'),
    },
    {
      name: 'host_root',
      schema: oneOf('read-only', 'discarded'),
      about: 'discarded: a task without an image may write anywhere, and what it wrote goes with it',
      shown: 'read-only',
      take: as('hostRoot'),
    },
    {
      name: 'host_volumes',
      schema: absolutePaths,
      about:
        'Folders of the host that volumes may be of. ["/"]: all but berth’s own and the kernel’s; tasks that write in /etc have the host then',
      shown: ['/data', '/media', '/mnt', '/srv'],
      take: as('hostVolumes'),
    },
    {
      name: 'host_capabilities',
      schema: texts,
      about: 'What a task with the host’s own ids may have at most, as capabilities(7) calls them',
      shown: ['CAP_CHOWN', 'CAP_NET_BIND_SERVICE'],
      otherwise: 'those that berth run gives',
      take: as('hostCapabilities'),
    },
    {
      name: 'local_images',
      schema: truth,
      about: 'Whether frameworks may name images by files of the host',
      shown: false,
      take: as('localImages'),
    },
    {
      name: 'privileged',
      schema: truth,
      about: 'Whether frameworks may have privileged containers',
      shown: false,
      take: as('privileged'),
    },
  ],
};
