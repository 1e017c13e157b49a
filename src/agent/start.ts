import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { readContainer } from '../containerizer/container/catalogue.js';
import type { PeerOwner } from '../http/authentication.js';
import { LiveCertificates } from '../http/live-certificates.js';
import type { Roots } from '../state/roots.js';
import type { Store, StoreOptions, StoreOwner } from '../state/store/store.js';
import { Agent } from './agent.js';
import { startApi } from './api/api.js';
import { checkAgentConfig } from './check.js';
import type { AgentConfig } from './config.js';
import { addExecutorApi } from './executor/endpoint.js';
import { Keeper } from './keeper/keeper.js';
import { endAll } from './master/leaving.js';
import { nestedCalls } from './nested/calls.js';
import { recover } from './recovery/recover.js';
import { agentResources } from './resources/detect.js';
import { parseAttributes } from './resources/parse.js';
import { SandboxCollector } from './sandbox/collector.js';
import { sessionCalls } from './sessions/calls.js';
import { standaloneCalls } from './standalone/calls.js';

/** Whose its store is. */
export const agentState: StoreOwner = {
  code: 'AGENT_STATE',
  name: 'agent',
  mend: 'Move the folder away: the agent registers anew, and berth rm -f ends containers that it left.',
};

export interface StartParts {
  roots: Roots;
  openStore(options: Pick<StoreOptions, 'onFailure' | 'onDefect'>): Promise<Store>;
  note(text: string): void;
  /** Told of what no order can be blamed for. */
  onDefect(error: unknown): void;
  /** The state cannot be kept any more: the agent must end before it promises anything else. */
  onStoreFailure(error: Error): void;
  /** The agent has left the cluster for good. */
  onLeft(): void;
  peerOwner: PeerOwner;
}

export interface RunningAgent {
  readonly agent: Agent;
  /** Reads its certificates again. */
  renew(): void;
  /** Ends the agent. Its tasks run on. */
  close(): Promise<void>;
}

/** Opens the state, takes up what runs, and goes to the master. */
export async function startAgent(given: AgentConfig, parts: StartParts): Promise<RunningAgent> {
  const config = { ...given };
  const { roots, note } = parts;
  checkAgentConfig(config);
  const certificates = new LiveCertificates(config, note);
  mkdirSync(config.folder, { recursive: true, mode: 0o700 });
  const resources = agentResources(config.resources, config.folder);
  const attributes = parseAttributes(config.attributes);
  const store = await parts.openStore({ onFailure: parts.onStoreFailure, onDefect: parts.onDefect });
  try {
    const agent = new Agent(config, resources, attributes, {
      ...{ roots, store, note, certificates },
      defect: parts.onDefect,
      left: parts.onLeft,
    });
    const recovered = agent.records.recovered();
    // The host may be called otherwise by now: to the master it is the same agent by its name, too.
    if (config.hostname === '')
      config.hostname = (recovered.self?.id !== undefined && recovered.self.hostname) || hostname();
    await recover(agent, recovered);
    const api = await startApi(agent, {
      peerOwner: parts.peerOwner,
      extensions: [
        { routes: (server) => addExecutorApi(agent, server) },
        nestedCalls(agent, standaloneCalls(agent, sessionCalls(agent))),
      ],
    });
    // Whoever is told of the agent is told where it answers.
    config.port = api.port;
    agent.endpoint = `${config.host}:${api.port}`;
    for (const runner of agent.runners) runner.listening?.();
    const collector = collectSandboxes(agent);
    const keeper = await Keeper.start(roots, { note, defect: parts.onDefect });
    // It is nobody's agent any more: what it left is ended, and it with that.
    if (agent.leaving) endAll(agent);
    else agent.link.connect();
    certificates.watch();
    return {
      agent,
      renew: () => certificates.renew(),
      async close() {
        certificates.close();
        await api.close();
        keeper?.close();
        await collector.close();
        await agent.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Sandboxes whose container is gone, and whose task is at its end, grow old. */
function collectSandboxes(agent: Agent): SandboxCollector {
  const { config, roots } = agent;
  const collector = new SandboxCollector({
    root: config.sandboxes,
    delay: config.sandboxKeep,
    headroom: config.sandboxHeadroom,
    inUse: (container) =>
      readContainer(roots, container) !== undefined ||
      [...agent.tasks.values()].some((task) => task.containerId === container && !task.ended),
    onFailure: (error) => agent.defect(error),
  });
  collector.start(sweepInterval);
  return collector;
}

/** Seconds. */
const sweepInterval = 60;
