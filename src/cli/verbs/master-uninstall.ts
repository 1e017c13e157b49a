import { uninstallVerb } from '../service/verbs.js';

export const verb = uninstallVerb('master');
