import { version } from '../version.js';
import { help } from './help.js';
import { write } from './output.js';
import { verbs } from './verbs/index.js';

/** Finds the verb (`run`, or two words: `image ls`), and hands over. `--version` and `--help` load nothing else. */
async function main(argv: string[]): Promise<number> {
  const [first, second] = argv;
  if (argv.length === 1 && (first === '--version' || first === '-V')) {
    write(1, `berth ${version}\n`);
    return 0;
  }
  // What native/front says when it becomes Node to tell of an end.
  if (first === '--finish' && second !== undefined && argv.length === 2)
    return (await import('./finish.js')).finish(second);
  const asksHelp = first === '--help' || first === '-h' || first === 'help';
  if (first === undefined || (asksHelp && second === undefined)) {
    write(1, help(verbs));
    return 0;
  }
  const words = asksHelp
    ? [...argv.slice(1), '--help']
    : first === '--version'
      ? ['version', ...argv.slice(1)]
      : argv;
  const { runVerb } = await import('./run-verb.js');
  const group = `${words[0]} ${words[1]}`;
  if (Object.hasOwn(verbs, group)) return runVerb(group, words.slice(2));
  return runVerb(words[0] ?? '', words.slice(1));
}

async function run(argv: string[]): Promise<void> {
  try {
    process.exitCode = await main(argv);
  } catch (error) {
    const { report } = await import('./report.js');
    process.exitCode = await report(error, 'stdout');
  }
}

// Not awaited: a CommonJS bundle, which loads Node's own modules only when they are wanted, has no top-level await.
void run(process.argv.slice(2));
