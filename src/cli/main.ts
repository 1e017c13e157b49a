import { writeSync } from 'node:fs';
import { version } from '../version.js';
import { help } from './help.js';
import { verbs } from './verbs/index.js';

/**
 * Finds the verb (`run`, or two words: `image ls`), and hands over. `--version` and `--help` load nothing else.
 */
async function main(argv: string[]): Promise<number> {
  const [first, second] = argv;
  if (first === '--version' || first === '-V') {
    writeSync(1, `berth ${version}\n`);
    return 0;
  }
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    writeSync(1, help(verbs));
    return 0;
  }
  const { runVerb } = await import('./run-verb.js');
  const group = `${first} ${second}`;
  if (Object.hasOwn(verbs, group)) return runVerb(group, argv.slice(2));
  return runVerb(first, argv.slice(1));
}

process.exitCode = await main(process.argv.slice(2));
