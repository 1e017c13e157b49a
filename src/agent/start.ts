import { mkdirSync } from 'node:fs';
import type { Roots } from '../state/roots.js';
import type { Store, StoreOptions, StoreOwner } from '../state/store/store.js';
import { Agent } from './agent.js';
import type { AgentConfig } from './config.js';
import { recover } from './recovery/recover.js';
import { agentResources } from './resources/detect.js';
import { parseAttributes } from './resources/parse.js';

/** Whose its store is. */
export const agentState: StoreOwner = {
  code: 'AGENT_STATE',
  name: 'agent',
  mend: 'Move the folder away: the agent registers anew, and berth rm -f ends containers that it left.',
};

export interface StartParts {
  roots: Roots;
  openStore(options: Pick<StoreOptions, 'onFailure'>): Promise<Store>;
  note(text: string): void;
  /** Told of what no order can be blamed for. */
  onDefect(error: unknown): void;
  /** The state cannot be kept any more: the agent must end before it promises anything else. */
  onStoreFailure(error: Error): void;
  /** The agent has left the cluster for good. */
  onLeft(): void;
}

export interface RunningAgent {
  readonly agent: Agent;
  /** Ends the agent. Its tasks run on. */
  close(): Promise<void>;
}

/** Opens the state, takes up what runs, and goes to the master. */
export async function startAgent(config: AgentConfig, parts: StartParts): Promise<RunningAgent> {
  const { roots, note } = parts;
  mkdirSync(config.folder, { recursive: true, mode: 0o700 });
  const resources = agentResources(config.resources, config.folder);
  const attributes = parseAttributes(config.attributes);
  const store = await parts.openStore({ onFailure: parts.onStoreFailure });
  try {
    const agent = new Agent(config, resources, attributes, {
      ...{ roots, store, note },
      defect: parts.onDefect,
      left: parts.onLeft,
    });
    await recover(agent, agent.records.recovered());
    agent.link.connect();
    return {
      agent,
      async close() {
        await agent.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
