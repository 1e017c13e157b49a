import { hostname } from 'node:os';
import path from 'node:path';
import { defaultConfig } from '../../agent/config.js';
import { readAgentConfig } from '../../agent/config-file.js';
import { agentState, startAgent } from '../../agent/start.js';
import { layoutOfHost } from '../../containerizer/container/cgroup-places.js';
import { BerthError } from '../../errors/berth-error.js';
import { peerOwner } from '../../http/peer-owner.js';
import type { Roots } from '../../state/roots.js';
import { EmbeddedStore } from '../../state/store/embedded-store.js';
import { report } from '../report.js';
import { awaitEnding } from './ending.js';

export interface AgentRequest {
  roots: Roots;
  note(text: string): void;
  masters?: string[];
  listen?: { host: string; port: number };
  hostname?: string;
  attributes?: string;
  resources?: string;
  /** A file of its configuration. */
  config?: string;
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

async function run({
  roots,
  note,
  listen,
  config: file,
  endWithStdin,
  ...flags
}: AgentRequest): Promise<number> {
  if (process.geteuid?.() !== 0)
    throw new BerthError('NOT_ROOT', {
      what: 'agent',
      why: 'containers are started by root',
      mend: 'Run berth as root.',
    });
  const config = {
    ...defaultConfig(roots),
    hostname: hostname(),
    ...(file === undefined ? {} : readAgentConfig(file)),
    ...listen,
    ...flags,
  };
  const { status, end } = awaitEnding(endWithStdin);
  const { agent, close } = await startAgent(config, {
    roots,
    openStore: (options) =>
      EmbeddedStore.open(path.join(config.folder, 'store'), { ...options, owner: agentState }),
    note: (text) => note(`agent: ${text}`),
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
  });
  note(
    `agent of ${config.masters.join(', ')}, state in ${config.folder}, ${agent.tasks.size} tasks taken up`,
  );
  const result = await status;
  await close();
  // What watches containers would hold the process for as long as they run.
  process.exit(result);
}
