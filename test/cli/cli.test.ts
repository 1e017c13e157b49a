import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { commandOf } from '../../src/cli/command.js';
import { generatedPages } from '../../src/cli/docs/pages.js';
import { jsonText, table } from '../../src/cli/table.js';
import { verbs } from '../../src/cli/verbs/index.js';
import { version } from '../../src/version.js';
import { bareNode, berth, berthCommand, project } from './berth.js';

/** What a user sees after a mistake: `berth: WHAT: WHY` and the mend, and nothing else. */
function refusal(pattern: RegExp, mend: RegExp) {
  return (text: string) => {
    const lines = text.split('\n');
    return lines.length === 3 && pattern.test(lines[0] ?? '') && mend.test(lines[1] ?? '') && lines[2] === '';
  };
}

t.test('help and version', async (t) => {
  for (const flag of ['--help', '-h', 'help'])
    t.match(berth([flag]), { status: 0, stderr: '', stdout: /^Usage: berth VERB/ });
  t.equal(berth([]).stdout, berth(['--help']).stdout);
  for (const name of Object.keys(verbs)) {
    if (!name.includes(' ')) t.match(berth(['--help']).stdout, new RegExp(`^  ${name} `, 'm'), name);
  }
  t.match(berth(['--version']), { status: 0, stdout: `berth ${version}\n` });
  t.match(JSON.parse(berth(['version', '--json']).stdout), { berth: version, node: process.versions.node });
  t.equal(berth(['--version', '--json']).stdout, berth(['version', '--json']).stdout);
  t.equal(berth(['help', 'version']).stdout, berth(['version', '--help']).stdout);
});

t.test('every verb explains itself, with an example that calls it', async (t) => {
  for (const [name, entry] of Object.entries(verbs)) {
    const { verb } = await entry.load();
    t.equal(verb.summary, entry.summary, `${name}: one summary`);
    t.ok(verb.example.startsWith(`berth ${name}`), `${name}: the example is of this verb`);
    let shown = '';
    const writeOut = (text: string) => {
      shown += text;
    };
    commandOf(name, verb).configureOutput({ writeOut }).outputHelp();
    t.ok(shown.startsWith(`Usage: berth ${name}`), name);
    t.ok(shown.includes(`Example:\n  ${verb.example}\n`), `${name}: --help shows it`);
    t.notMatch(shown, /\(default:\s+[{[]/, `${name}: defaults are as they are typed`);
  }
});

t.test('a mistake is one line, its mend, and 125', async (t) => {
  const cases: [string[], RegExp, RegExp][] = [
    [['frobnicate'], /^berth: frobnicate: no such verb$/, /^See berth --help\.$/],
    [['--frob'], /^berth: --frob: no such flag/, /^See berth --help\.$/],
    [['version', '--frob'], /^berth: version: unknown option '--frob'$/, /^See berth version --help\.$/],
    [['version', '--jsno'], /^berth: version: unknown option '--jsno'$/, /^Did you mean --json\? See/],
    [['version', 'extra'], /^berth: version: too many arguments/, /^See berth version --help\.$/],
    [['doctor', '--root'], /^berth: doctor: option '--root <dir>' argument missing$/, /^See berth doctor/],
    [['container', 'rm'], /^berth: container rm: no such verb$/, /^Did you mean berth rm\?/],
    [['container', 'ls'], /^berth: container ls: no such verb$/, /^Did you mean berth ps\?/],
    [['images'], /^berth: images: no such verb$/, /^Did you mean berth image ls\?/],
    [['node', 'rm'], /^berth: node rm: no such verb$/, /^See berth node --help\.$/],
    [['constructor'], /^berth: constructor: no such verb$/, /^See/],
    [['a\u001b[31mb'], /^berth: a\\x1b\[31mb: no such verb$/, /^See/],
  ];
  for (const [args, pattern, mend] of cases) {
    const { status, stdout, stderr } = berth(args);
    t.equal(status, 125, args.join(' '));
    t.equal(stdout, '');
    t.ok(refusal(pattern, mend)(stderr), stderr);
  }
});

t.test('a reader that leaves, and a disk that is full', async (t) => {
  // A pipe whose reading end is closed before berth starts, so that no race decides.
  const script = 'mkfifo "$0"; exec 9<>"$0" 8>"$0" 9<&-; exec "$@" >&8';
  const gone = spawnSync('bash', ['-c', script, `${t.testdir()}/pipe`, ...berthCommand, '--help'], {
    encoding: 'utf8',
  });
  t.match(gone, { status: 141, stderr: '' });

  for (const args of [['--help'], ['version']]) {
    const full = spawnSync('bash', ['-c', 'exec "$@" >/dev/full', 'bash', ...berthCommand, ...args], {
      encoding: 'utf8',
    });
    t.equal(full.status, 125);
    t.match(
      full.stderr,
      /^berth: \w+: no space is left on the disk of standard output\nFree space there, or let it go elsewhere\.\n$/,
    );
  }
});

t.test('takes at most 1.5 times the processor time of the bare Node to start, or 20 ms more', async (t) => {
  // Not by the clock: that tells of the other tests too.
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null';
  const milliseconds = (command: string[]) => {
    const { stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' });
    return stderr.split(' ').reduce((sum, seconds) => sum + Number(seconds) * 1000, 0);
  };
  const commands = {
    node: [...bareNode, '-e', '0'],
    version: [...berthCommand, '--version'],
    help: [...berthCommand, '--help'],
  };
  const best = { node: Infinity, version: Infinity, help: Infinity };
  const measure = (key: keyof typeof best) => {
    best[key] = Math.min(best[key], milliseconds(commands[key]));
  };
  // The newest Node starts in half the time, and what is ours takes as long as ever.
  const most = Number.parseInt(process.versions.node, 10) < 24 ? 1.5 : 2.2;
  const within = (key: 'version' | 'help') => best[key] <= Math.max(most * best.node, best.node + 20);
  for (let round = 0; round < 10 || (round < 60 && !(within('version') && within('help'))); round++) {
    measure('node');
    measure('version');
    measure('help');
  }
  for (const key of ['version', 'help'] as const) {
    const figures = `${best[key].toFixed(1)} ms, node -e 0: ${best.node.toFixed(1)} ms`;
    t.ok(within(key), `--${key}: ${figures}, ratio ${(best[key] / best.node).toFixed(2)}`);
  }
});

t.test('tables', async (t) => {
  const columns = [{ header: 'NAME' }, { header: 'SIZE', align: 'right' as const }, { header: 'NOTE' }];
  t.equal(
    table(columns, [
      ['é', '10', ''],
      ['longer', '9', 'a\nb\u001b[0m'],
    ]),
    'NAME    SIZE  NOTE\né         10\nlonger     9  a\\x0ab\\x1b[0m\n',
  );
});

t.test('JSON from containers has no control characters that a terminal obeys', async (t) => {
  const said = { output: 'a\u009b31m\u007f\u0085\u001bé\n' };
  const text = jsonText(said, 0);
  t.notMatch(text, /\p{Cc}/u);
  t.strictSame(JSON.parse(text), said);
});

t.test('the generated pages are current', async (t) => {
  for (const { file, content } of await generatedPages()) {
    t.equal(readFileSync(file, 'utf8'), content, `${file} is what ./dev docs writes`);
  }
});

t.test(
  'Node took --env-file out of the arguments of a container, and obeyed NODE_OPTIONS in it',
  async (t) => {
    const folder = t.testdir({ evil: "process.stdout.write('evil\\n')", env: '' });
    writeFileSync(path.join(folder, 'env'), `NODE_OPTIONS=--require=${folder}/evil\n`);
    const run = (...args: string[]) =>
      spawnSync(path.join(project, 'bin/berth'), ['run', ...args], {
        encoding: 'utf8',
        env: { PATH: `${path.dirname(process.execPath)}:${process.env.PATH}` },
      });
    for (const args of [
      ['--env-file', `${folder}/env`, 'oci:/nowhere', 'true'],
      ['oci:/nowhere', 'true', `--env-file=${folder}/env`],
    ])
      t.match(run(...args), { status: 125, stdout: '', stderr: /^berth: / }, args.join(' '));
    t.match(run('--env-file', '/none', 'oci:/nowhere', 'true'), {
      status: 125,
      stderr: /^berth: --env-file \/none: there is no such file\n/,
    });
  },
);
