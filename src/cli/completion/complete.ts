import type { Argument, Command, Option } from 'commander';
import { type Roots, resolveRoots } from '../../state/roots.js';
import { commandOf } from '../command.js';
import { verbs } from '../verbs/index.js';
import { type Candidate, type NameKind, namesOf } from './names.js';

export interface Completion {
  candidates: Candidate[];
  /** A path may stand here. */
  files: boolean;
}

const nothing: Completion = { candidates: [], files: false };

/** Containers that a verb can do something to; of the others any. */
const states: Record<string, readonly string[]> = {
  attach: ['running'],
  exec: ['running'],
  kill: ['running', 'paused'],
  pause: ['running'],
  start: ['created', 'exited', 'lost'],
  stop: ['running', 'paused'],
  top: ['running', 'paused'],
  unpause: ['paused'],
  update: ['running', 'paused'],
};

/** What the last word of a command line can become, from the table of verbs. The line is as far as it is typed, program first. */
export async function complete(line: string): Promise<Completion> {
  const words = line.trimStart().split(/\s+/).slice(1);
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const [first = '', second = ''] = before;
  if (before.length === 0) return starting(current, firstWords());
  if (Object.hasOwn(verbs, `${first} ${second}`))
    return completeVerb(`${first} ${second}`, before.slice(2), current);
  if (Object.hasOwn(verbs, first)) return completeVerb(first, before.slice(1), current);
  if (before.length > 1) return nothing;
  return starting(current, groupWords(first));
}

function firstWords(): Candidate[] {
  const found = new Map<string, string>();
  for (const [name, { summary }] of Object.entries(verbs)) {
    const [word = ''] = name.split(' ');
    if (!found.has(word)) found.set(word, name === word ? summary : `what there is to do with ${word}s`);
  }
  return [...found].map(([text, hint]) => ({ text, hint }));
}

function groupWords(group: string): Candidate[] {
  return Object.entries(verbs)
    .filter(([name]) => name.startsWith(`${group} `))
    .map(([name, { summary }]) => ({ text: name.slice(group.length + 1), hint: summary }));
}

async function completeVerb(name: string, given: readonly string[], current: string): Promise<Completion> {
  const entry = verbs[name];
  if (entry === undefined) return nothing;
  const command = commandOf(name, (await entry.load()).verb);
  const { waiting, positionals, roots, flagsOver } = walk(command, given);
  if (waiting !== undefined) return valuesOf(waiting, current, roots);
  if (!flagsOver && current.startsWith('-')) {
    const [flag = '', value] = current.split(/=(.*)/s);
    const option = value === undefined ? undefined : command.options.find(({ long }) => long === flag);
    if (option === undefined) return starting(current, flagsOf(command));
    const inner = valuesOf(option, value ?? '', roots);
    return {
      ...inner,
      candidates: inner.candidates.map(({ text, hint }) => ({ text: `${flag}=${text}`, hint })),
    };
  }
  const { registeredArguments: all } = command;
  const last = all.at(-1);
  const argument = all[positionals] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return nothing;
  return argumentOf(name, argument, current, roots);
}

/** What the words before the last one come to. */
function walk(command: Command, given: readonly string[]) {
  let waiting: Option | undefined;
  let positionals = 0;
  let flagsOver = false;
  const flags: { root?: string; state?: string } = {};
  for (const word of given) {
    if (waiting !== undefined) {
      if (waiting.long === '--root') flags.root = word;
      if (waiting.long === '--state') flags.state = word;
      waiting = undefined;
    } else if (word === '--' && !flagsOver) {
      flagsOver = true;
    } else if (word.startsWith('-') && word !== '-' && !flagsOver) {
      const value = /^--(root|state)=(.*)$/s.exec(word);
      if (value?.[1] === 'root' || value?.[1] === 'state') flags[value[1]] = value[2] ?? '';
      waiting = optionAt(command, word);
    } else {
      positionals++;
      // What follows the image of `run`, or the container of `exec`, is the program's.
      flagsOver ||= passesThrough.has(command.name());
    }
  }
  return { waiting, positionals, flagsOver, roots: resolveRoots(flags) };
}

const passesThrough = new Set(['berth run', 'berth create', 'berth exec']);

/** The flag whose value is the next word. Of short ones together it is the last. */
function optionAt(command: Command, word: string): Option | undefined {
  const named = word.startsWith('--') ? word : `-${word.at(-1)}`;
  const option = command.options.find(({ long, short }) => long === named || short === named);
  return option?.required === true ? option : undefined;
}

function flagsOf(command: Command): Candidate[] {
  const own = command.options
    .filter(({ hidden, long }) => !hidden && long !== undefined)
    .map(({ long = '', description }) => ({ text: long, hint: description }));
  return [...own, { text: '--help', hint: 'what the verb does' }];
}

/** Values by the flag's name, where it tells what they are. */
const valueKinds: Record<string, NameKind> = { '--network': 'network', '--volumes-from': 'container' };

function valuesOf(option: Option, current: string, roots: Roots): Completion {
  const { argChoices, long = '' } = option;
  if (argChoices !== undefined)
    return starting(
      current,
      argChoices.map((text) => ({ text, hint: '' })),
    );
  const kind = valueKinds[long];
  if (kind !== undefined) return starting(current, namesOf(roots, kind));
  return { candidates: [], files: true };
}

function argumentOf(verb: string, argument: Argument, current: string, roots: Roots): Completion {
  if (argument.argChoices !== undefined)
    return starting(
      current,
      argument.argChoices.map((text) => ({ text, hint: '' })),
    );
  const kind = kindOf(verb, argument.name());
  if (kind === undefined) return { candidates: [], files: true };
  if (kind === 'any') {
    const all: NameKind[] = ['container', 'image', 'volume', 'network'];
    return starting(
      current,
      all.flatMap((each) => namesOf(roots, each)),
    );
  }
  // Layouts and archives are images too.
  return { ...starting(current, namesOf(roots, kind, states[verb])), files: kind === 'image' };
}

/** What an argument names, by its own name and the verb's; undefined: a path, or something new. */
function kindOf(verb: string, argument: string): NameKind | 'any' | undefined {
  const name = argument.toLowerCase();
  if (name === 'id') return 'container';
  if (name === 'image') return 'image';
  if (name === 'network') return 'network';
  if (name !== 'name') return undefined;
  if (verb === 'inspect') return 'any';
  const removing = /^(volume|network) (inspect|rm)$/.exec(verb);
  return removing?.[1] as NameKind | undefined;
}

function starting(current: string, candidates: readonly Candidate[]): Completion {
  return { candidates: candidates.filter(({ text }) => text.startsWith(current)), files: false };
}
