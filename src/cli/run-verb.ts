import { CommanderError } from 'commander';
import { requireFolders } from '../state/folder-trouble.js';
import { resolveRoots } from '../state/roots.js';
import { commandOf } from './command.js';
import { help } from './help.js';
import { write } from './output.js';
import { report, usageError } from './report.js';
import { printable } from './table.js';
import type { Context } from './verb.js';
import { verbs } from './verbs/index.js';

/** Parses one verb's command line, runs it, and turns every failure into one line and the status of the contract. */
export async function runVerb(name: string, argv: string[]): Promise<number> {
  try {
    const entry = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
    if (entry === undefined) return withoutVerb(name, argv);
    const { verb } = await entry.load();
    const command = commandOf(name, verb);
    command.parse(argv, { from: 'user' });
    const flags: Record<string, unknown> = command.opts();
    return await verb.run(contextOf(flags, argv), command.args, flags);
  } catch (error) {
    // Commander's way to leave after --help.
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    return report(error, name);
  }
}

function contextOf(flags: Record<string, unknown>, argv: readonly string[]): Context {
  const { root, state } = flags as { root?: string; state?: string };
  const roots = resolveRoots({
    ...(root === undefined ? {} : { root }),
    ...(state === undefined ? {} : { state }),
  });
  return {
    // Looked at by those verbs alone that have to do with them.
    get roots() {
      return requireFolders(roots);
    },
    argv,
    json: flags.json === true,
    out: (text) => write(1, text),
    // A registry's reasons and an image's names may be in it.
    note: (text) => write(2, `${printable(text)}\n`),
  };
}

/** A group alone (`berth image`) shows its verbs; anything else is refused. */
function withoutVerb(name: string, argv: string[]): number {
  const isGroup = Object.keys(verbs).some((verb) => verb.startsWith(`${name} `));
  if (isGroup && (argv[0] === undefined || argv[0] === '--help' || argv[0] === '-h')) {
    write(1, help(verbs, name));
    return 0;
  }
  const what = isGroup ? `${name} ${argv[0]}` : name;
  const why = name.startsWith('-') ? 'no such flag; flags follow the verb' : 'no such verb';
  const meant = meantBy(what);
  const hint = meant === undefined ? '' : `Did you mean berth ${meant}? `;
  throw usageError(what, why, `${hint}See berth ${isGroup ? `${name} ` : ''}--help.`);
}

/** What users of Docker and podman write for a verb that has another name here. */
const elsewhere: Record<string, string> = {
  images: 'image ls',
  rmi: 'image rm',
  list: 'ps',
  ls: 'ps',
  'framework rm': 'framework teardown',
  'task rm': 'task kill',
};

function meantBy(words: string): string | undefined {
  const [first = '', second] = words.split(' ');
  const last = second ?? first;
  const usual = { list: 'ls', remove: 'rm' }[last] ?? last;
  // Verbs of containers stand alone here, those of images do not.
  const candidates =
    second === undefined
      ? [first, usual, `image ${usual}`]
      : [`${first} ${usual}`, ...(first === 'container' ? [usual] : [])];
  return candidates
    .map((each) => (Object.hasOwn(elsewhere, each) ? elsewhere[each] : each))
    .find((each) => each !== undefined && each !== words && Object.hasOwn(verbs, each));
}
