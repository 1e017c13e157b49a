import type { Resources } from '../../mesos/resources/resources.js';
import type { Agent } from './agent.js';
import type { Framework } from './framework.js';

export interface Offer {
  id: string;
  framework: Framework;
  agent: Agent;
  role: string;
  resources: Resources;
}

/** A wish to have an agent left before a time of maintenance. */
export interface InverseOffer {
  id: string;
  framework: Framework;
  agent: Agent;
}
