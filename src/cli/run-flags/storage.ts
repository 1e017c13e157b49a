import { Option } from 'commander';
import type { Volume } from '../../containerizer/container/options.js';
import { type FlagGroup, repeatable } from './group.js';
import { volume } from './volume.js';

interface Given {
  volume?: Volume[];
  readOnly?: true;
}

/** What it sees of files. */
export const storage: FlagGroup<Given> = {
  title: 'Storage',
  flags: [
    new Option(
      '-v, --volume <source:target[:options]>',
      'show a folder or file of the host; options ro, rbind, noidmap (repeatable)',
    ).argParser(repeatable(volume)),
    new Option('--read-only', 'root file system read-only'),
  ],
  collect: ({ volume: volumes, readOnly }) => ({ volumes, readOnly }),
};
