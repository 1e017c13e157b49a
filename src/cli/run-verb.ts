import { writeSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { BerthError } from '../errors/berth-error.js';
import { resolveRoots } from '../state/roots.js';
import { help } from './help.js';
import type { Context } from './verb.js';
import { verbs } from './verbs/index.js';

/** Parses one verb's command line, runs it, and turns every failure into one line and the status of the contract. */
export async function runVerb(name: string, argv: string[]): Promise<number> {
  try {
    const entry = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (entry === undefined) return unknownVerb(name, argv);
    const { verb } = await entry.load();
    const command = new Command(`berth ${name}`)
      .description(`${entry.summary}.`)
      .option('--root <dir>', 'durable state (BERTH_ROOT)')
      .option('--state <dir>', 'volatile state (BERTH_STATE)')
      .option('--json', 'one JSON document on stdout')
      .addHelpText('after', `\nExample:\n  ${verb.example}`)
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
      .showSuggestionAfterError(false);
    verb.declare(command);
    command.parse(argv, { from: 'user' });
    const flags: Record<string, unknown> = command.opts();
    return await verb.run(contextOf(flags), command.args, flags);
  } catch (error) {
    return report(error, name);
  }
}

function contextOf(flags: Record<string, unknown>): Context {
  const { root, state } = flags as { root?: string; state?: string };
  return {
    roots: resolveRoots({ ...(root === undefined ? {} : { root }), ...(state === undefined ? {} : { state }) }),
    json: flags['json'] === true,
    out: (text) => writeAll(1, text),
    note: (text) => writeAll(2, `${text}\n`),
  };
}

/** Writes to a pipe or terminal in full; a reader that has gone away ends the program as it would any other. */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') continue;
      if (code === 'EPIPE') process.exit(128 + 13);
      throw error;
    }
  }
}

function unknownVerb(name: string, argv: string[]): number {
  const isGroup = Object.keys(verbs).some((verb) => verb.startsWith(`${name} `));
  if (isGroup && (argv.length === 0 || argv[0] === '--help' || argv[0] === '-h')) {
    writeSync(1, help(verbs, name));
    return 0;
  }
  throw new BerthError('USAGE', {
    what: isGroup ? `${name} ${argv[0]}` : name,
    why: 'no such verb',
    mend: `See berth ${isGroup ? `${name} ` : ''}--help.`,
  });
}

function report(error: unknown, verb: string): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    const why = error.message.replace(/^error: /, '');
    return report(new BerthError('USAGE', { what: verb, why, mend: `See berth ${verb} --help.` }), verb);
  }
  if (error instanceof BerthError) {
    writeAll(2, `berth: ${error.message}\n${error.mend === undefined ? '' : `${error.mend}\n`}`);
    return error.exit;
  }
  writeAll(2, `berth: ${verb}: internal error: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 125;
}
