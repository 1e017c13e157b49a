import type { VerbEntry } from './verbs/index.js';

/** The first screen: what berth is, its verbs, where to go on. With `group`, only that group's verbs. */
export function help(verbs: Record<string, VerbEntry>, group?: string): string {
  const names = Object.keys(verbs).filter((name) => group === undefined || name.startsWith(`${group} `));
  const width = Math.max(...names.map((name) => name.length));
  const rows = names.map((name) => `  ${name.padEnd(width)}  ${verbs[name]?.summary ?? ''}`);
  return [
    `Usage: berth ${group === undefined ? '' : `${group} `}VERB [flags] [arguments]`,
    '',
    group === undefined ? 'Runs container images on this host with no daemon, and shows what they do.' : '',
    '',
    ...rows,
    '',
    'Every verb has --help with an example, and --json where it prints something.',
    '--root DIR and --state DIR (or BERTH_ROOT, BERTH_STATE) choose where state lives.',
    '',
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}
