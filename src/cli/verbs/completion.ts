import { Argument, Option } from 'commander';
import { complete } from '../completion/complete.js';
import { type Shell, scripts, shells } from '../completion/scripts.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

export const verb: Verb = {
  summary: 'Print what makes a shell complete verbs, flags and names',
  example: 'berth completion bash > /etc/bash_completion.d/berth',
  declare(command) {
    command
      .addArgument(new Argument('[shell]', shells.join(', ')).choices(shells))
      .addOption(new Option('--line <text>', 'what the last word of a line can become').hideHelp());
  },
  async run({ out }, [shell], { line }) {
    if (line !== undefined) {
      const { candidates, files } = await complete(String(line));
      const lines = candidates.map(({ text, hint }) => `${text}\t${hint.replace(/\s+/g, ' ')}\n`);
      out(`${lines.join('')}${files ? ':files\n' : ''}`);
      return 0;
    }
    if (shell === undefined)
      throw usageError('completion', 'no shell was named', `Name one: ${shells.join(', ')}.`);
    out(scripts[shell as Shell]);
    return 0;
  },
};
