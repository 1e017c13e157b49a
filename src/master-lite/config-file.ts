import { readSettings } from '../settings/read-settings.js';
import type { MasterConfig } from './config.js';
import { masterSettings } from './settings.js';

/** Reads `berth master --config`. */
export const readMasterConfig = (file: string): Partial<MasterConfig> => readSettings(file, masterSettings);
