import { Command } from 'commander';
import { write } from './output.js';
import type { Verb } from './verb.js';

/** The parser of one verb: the flags that every verb has, then its own. Parsing throws CommanderError and never exits. */
export function commandOf(name: string, verb: Verb): Command {
  const command = new Command(`berth ${name}`)
    .description(`${verb.summary}.`)
    .option('--root <dir>', 'durable state (BERTH_ROOT, default /var/lib/berth)')
    .option('--state <dir>', 'volatile state (BERTH_STATE, default /run/berth)')
    .option('--json', 'one JSON document on stdout')
    .helpOption('-h, --help', 'this text')
    .addHelpText('after', `\nExample:\n  ${verb.example}`)
    .exitOverride()
    .configureOutput({ writeOut: (text) => write(1, text), writeErr: () => {} })
    .showSuggestionAfterError(true);
  verb.declare(command);
  return command;
}
