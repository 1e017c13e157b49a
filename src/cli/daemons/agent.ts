import path from 'node:path';
import { checkAgentConfig } from '../../agent/check.js';
import { type AgentConfig, defaultConfig } from '../../agent/config.js';
import { readAgentConfig } from '../../agent/config-file.js';
import { agentSettings } from '../../agent/settings.js';
import { agentState, startAgent } from '../../agent/start.js';
import { layoutOfHost } from '../../containerizer/container/cgroup-places.js';
import { BerthError } from '../../errors/berth-error.js';
import { peerOwner } from '../../http/peer-owner.js';
import { ServiceManager } from '../../service/notify.js';
import { takePrecedence } from '../../service/precedence.js';
import { type DoorFlags, doorOf } from '../../settings/flags.js';
import type { Roots } from '../../state/roots.js';
import { EmbeddedStore } from '../../state/store/embedded-store.js';
import { report } from '../report.js';
import { checked, configured } from './configure.js';
import { awaitEnding, giveUp, onHangUp } from './ending.js';

export interface AgentRequest {
  roots: Roots;
  note(text: string): void;
  out(text: string): void;
  door: DoorFlags;
  masters?: string[];
  hostname?: string;
  attributes?: string;
  resources?: string;
  /** A file of its configuration. */
  config?: string;
  /** Only say whether that can be understood. */
  check: boolean;
  /** It ends when its standard input does. */
  endWithStdin: boolean;
}

/** Runs an agent until a signal ends it, or it has left its cluster. Reports its own failures: this is a program of its own (scripts/bundle.mjs). */
export async function runAgent(request: AgentRequest): Promise<number> {
  try {
    return await run(request);
  } catch (error) {
    return report(error, 'agent');
  }
}

function configOf({ roots, door, config: file, masters, ...flags }: AgentRequest): AgentConfig {
  const { hostname: name, attributes, resources } = flags;
  return configured<AgentConfig>(agentSettings, {
    defaults: defaultConfig(roots),
    file: file === undefined ? {} : readAgentConfig(file),
    flags: {
      ...doorOf(door),
      ...(masters !== undefined && { masters }),
      ...(name !== undefined && { hostname: name }),
      ...(attributes !== undefined && { attributes }),
      ...(resources !== undefined && { resources }),
    },
  });
}

async function run(request: AgentRequest): Promise<number> {
  const { roots, note, endWithStdin } = request;
  if (request.check) {
    const answer = checked('agent', request.config);
    checkAgentConfig(configOf(request));
    request.out(answer);
    return 0;
  }
  if (process.geteuid?.() !== 0)
    throw new BerthError('NOT_ROOT', {
      what: 'agent',
      why: 'containers are started by root',
      mend: 'Run berth as root.',
    });
  const config = configOf(request);
  takePrecedence();
  const manager = new ServiceManager();
  const { status, end } = awaitEnding(endWithStdin);
  const { agent, close, renew } = await startAgent(config, {
    roots,
    openStore: (options) =>
      EmbeddedStore.open(path.join(config.folder, 'store'), { ...options, owner: agentState }),
    note(text) {
      note(`agent: ${text}`);
      manager.status(text);
    },
    onDefect: (error) =>
      note(`berth: agent: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    onStoreFailure: (error) => {
      report(
        new BerthError('AGENT_STATE', { what: config.folder, why: error.message, cause: error }),
        'agent',
      );
      // Without closing anything: nothing more may be promised.
      process.exit(125);
    },
    onLeft: () => end(0),
    peerOwner: (socket) => peerOwner(socket, layoutOfHost().unified),
  }).catch(giveUp('agent'));
  onHangUp(renew);
  const masters = config.masters.map((url) => url.replace(/\/\/[^/@]*@/, '//')).join(', ');
  const begun = `agent of ${masters}, state in ${config.folder}, ${agent.tasks.size} tasks taken up`;
  note(begun);
  manager.ready(begun);
  const result = await status;
  manager.stopping();
  await close();
  // What watches containers would hold the process for as long as they run.
  process.exit(result);
}
