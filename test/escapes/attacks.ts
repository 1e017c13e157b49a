import type { Attack } from './attack.js';
import { descriptors } from './descriptors.js';
import { files } from './files.js';
import { layers } from './layers.js';
import { leftBehind } from './left-behind.js';
import { paths } from './paths.js';
import { privileges } from './privileges.js';
import { procfs } from './procfs.js';
import { sentIn } from './sent-in.js';
import { terminals } from './terminals.js';

/** Every attack, by family. docs/security.md lists them; a test compares the two. */
export const attacks: readonly Attack[] = [
  ...paths,
  ...procfs,
  ...descriptors,
  ...privileges,
  ...layers,
  ...sentIn,
  ...terminals,
  ...files,
  ...leftBehind,
];
