import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { complete } from '../../src/cli/completion/complete.js';
import { verbs } from '../../src/cli/verbs/index.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { berthCommand, project } from './berth.js';

const texts = async (line: string) => (await complete(line)).candidates.map(({ text }) => text);

t.test('verbs, groups and flags, from the table of verbs', async (t) => {
  const first = await texts('berth ');
  for (const name of Object.keys(verbs)) t.ok(first.includes(name.split(' ')[0] ?? ''), name);
  t.equal(new Set(first).size, first.length);
  t.strictSame(await texts('berth volume cr'), ['create']);
  t.ok((await texts('berth run --net')).includes('--network'));
  t.strictSame(await texts('berth run --pull '), ['always', 'missing', 'never']);
  t.strictSame(await texts('berth run --pull=a'), ['--pull=always']);
  t.strictSame(await texts('berth completion f'), ['fish']);
  t.strictSame(await texts('berth run image --'), [], 'what follows the image is not for berth');
  t.strictSame(await texts('berth nosuch '), []);
  t.match(await complete('berth run --env-file '), { files: true });
  t.notOk((await texts('berth completion --')).includes('--line'), 'what is hidden is not shown');
});

t.test('names, in a real bash', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const { root, state } = stage.roots;
  t.equal(stage.berth('image tag', stage.image.name, 'base:1').status, 0);
  t.equal(stage.berth('volume create', 'files').status, 0);
  t.equal(stage.berth('create', '--name', 'waiting', 'base:1', 'true').status, 0);
  const running = await stage.start(['sleep', '1000'], { name: 'running', remove: false });

  /** What bash offers for a line, as its readline would cut it into words. */
  const offered = (line: string): string[] => {
    const script = `
      source <("$BERTH" completion bash)
      COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=("$BERTH") COMP_CWORD=1
      compopt() { :; }
      _berth
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', line], {
      encoding: 'utf8',
      env: { ...process.env, BERTH: path.join(project, 'bin/berth'), BERTH_ROOT: root, BERTH_STATE: state },
    });
    t.equal(stderr, '');
    return stdout.split('\n').filter((word) => word !== '');
  };
  t.strictSame(offered('berth start '), ['waiting']);
  t.strictSame(offered('berth stop '), ['running']);
  t.strictSame(offered('berth rm -f run'), ['running']);
  t.strictSame(offered('berth rm ').sort(), ['running', 'waiting']);
  t.strictSame(offered('berth image rm base'), ['base:1']);
  t.strictSame(offered('berth image rm base:'), ['1'], 'after a colon readline has a new word');
  t.strictSame(offered('berth volume rm '), ['files']);
  t.strictSame(offered('berth run --volumes-from=wait'), ['waiting']);
  t.strictSame(offered(`berth start --root /nowhere `), []);
  t.ok(offered('berth ').includes('completion'));
  running.signal(9);
  await running.gone;

  // Shells that are not there are not tried; what they read is.
  for (const [shell, check] of [
    ['zsh', ['-n']],
    ['fish', ['--no-execute']],
  ] as const) {
    const [file = '', ...words] = [...berthCommand, 'completion', shell];
    const { stdout, status } = spawnSync(file, words, { encoding: 'utf8' });
    t.equal(status, 0);
    t.match(stdout, /completion --line/);
    const program = `/usr/bin/${shell}`;
    const script = path.join(stage.folder, shell);
    writeFileSync(script, stdout);
    if (existsSync(program)) t.equal(spawnSync(program, [...check, script]).status, 0, shell);
  }
  t.match(stage.berth('completion'), { status: 125 });
  t.match(stage.berth('completion', 'tcsh'), { status: 125 });
});
