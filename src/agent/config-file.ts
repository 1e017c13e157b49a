import { realpathSync } from 'node:fs';
import { readSettings } from '../settings/read-settings.js';
import type { AgentConfig } from './config.js';
import { agentSettings } from './settings.js';

/** Reads `berth agent --config`. */
export function readAgentConfig(file: string): Partial<AgentConfig> {
  const config = readSettings(file, agentSettings);
  return { ...config, secretFiles: [realpathSync(file)] };
}
