import type { Argument, Command, Option } from 'commander';
import { commandOf } from '../command.js';
import type { Verb } from '../verb.js';
import { verbs } from '../verbs/index.js';

/** docs/reference/cli.md: every verb as its own --help has it. */
export async function cliPage(): Promise<string> {
  const sections: string[] = [];
  for (const [name, entry] of Object.entries(verbs)) {
    const { verb } = await entry.load();
    sections.push(section(name, verb, commandOf(name, verb)));
  }
  return `${preface}\n${sections.join('\n')}`;
}

const preface = `# Command line

<!-- Written by ./dev docs from the table of verbs (src/cli/verbs): change it there. -->

Every verb takes \`--root DIR\` and \`--state DIR\` (where state lives, else \`BERTH_ROOT\` and \`BERTH_STATE\`, else
\`/var/lib/berth\` and \`/run/berth\`), \`--json\` where it prints something, and \`--help\`. Two roots never see each other.

\`run\` and \`exec\` do without Node what they can ([how](../architecture.md#the-front)), which changes nothing but the time they take; \`BERTH_FRONT=off\`
in the environment has Node do everything.

Answers go to stdout; progress and warnings to stderr. JSON members are in snake_case, times as RFC 3339, sizes in bytes,
durations in seconds.

| exit status | means |
|---|---|
| the container's own | the command ran, and ended so |
| 125 | berth refused or failed: \`berth: WHAT: WHY\` on stderr, and the mend in a second line; see [errors](errors.md) |
| 126 | the command was found but cannot be executed |
| 127 | the command was not found |
| 128 + N | signal N ended the command |
`;

const common = new Set(['--root', '--state', '--json']);

function section(name: string, verb: Verb, command: Command): string {
  const flags = command.options.filter((option) => !option.hidden && !common.has(option.long ?? ''));
  return [
    `## berth ${name}\n\n${verb.summary}.\n`,
    `\`\`\`\n${[`berth ${name}`, '[flags]', ...command.registeredArguments.map(placeholder)].join(' ')}\n\`\`\`\n`,
    rows(
      'argument',
      command.registeredArguments.filter(hasDescription).map((each) => [placeholder(each), each.description]),
    ),
    ...flagTables(flags),
    `Example:\n\n\`\`\`\n${verb.example}\n\`\`\`\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** One table for each group of flags; those of no group come first. */
function flagTables(flags: Option[]): string[] {
  const titles = new Set([undefined, ...flags.map((flag) => flag.helpGroupHeading)]);
  return [...titles].map((title) =>
    rows(
      title === undefined ? 'flag' : title.replace(/:$/, ''),
      flags
        .filter((flag) => flag.helpGroupHeading === title)
        .map((flag) => [flag.flags, flag.description + defaultOf(flag)]),
    ),
  );
}

function placeholder(argument: Argument): string {
  const name = argument.name().toUpperCase() + (argument.variadic ? '...' : '');
  return argument.required ? name : `[${name}]`;
}

function hasDescription(argument: Argument): boolean {
  return argument.description !== '';
}

function defaultOf(flag: Option): string {
  const value: unknown = flag.defaultValue;
  if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) return '';
  return ` (default ${flag.defaultValueDescription ?? String(value)})`;
}

function rows(kind: string, entries: string[][]): string {
  if (entries.length === 0) return '';
  const cells = entries.map(
    ([name = '', text = '']) => `| \`${escapePipes(name)}\` | ${escapePipes(text)} |`,
  );
  return `| ${kind} | |\n|---|---|\n${cells.join('\n')}\n`;
}

/** A pipe would end the cell. */
function escapePipes(text: string): string {
  return text.replaceAll('|', '\\|');
}
