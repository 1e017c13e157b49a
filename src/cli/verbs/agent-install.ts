import { installVerb } from '../service/verbs.js';

export const verb = installVerb('agent', 5051);
