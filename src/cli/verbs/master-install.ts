import { installVerb } from '../service/verbs.js';

export const verb = installVerb('master', 5050);
