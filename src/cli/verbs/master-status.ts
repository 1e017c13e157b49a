import { statusVerb } from '../service/verbs.js';

export const verb = statusVerb('master');
