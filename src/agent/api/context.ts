import type { Agent } from '../agent.js';
import type { SandboxFiles } from '../files/sandbox-files.js';
import type { ContainerTexts } from './container-texts.js';
import type { History } from './history.js';
import type { KnownContainers } from './known-containers.js';
import type { StateText } from './state-text.js';
import type { StatisticsBoard } from './statistics-board.js';
import type { Watchers } from './watchers.js';

/** What the endpoints of the agent's API tell of. */
export interface ApiContext {
  readonly agent: Agent;
  readonly files: SandboxFiles;
  readonly history: History;
  readonly watchers: Watchers;
  readonly statistics: StatisticsBoard;
  readonly stateText: StateText;
  readonly containerTexts: ContainerTexts;
  readonly containers: KnownContainers;
  /** Seconds since 1970. */
  readonly startTime: number;
}
