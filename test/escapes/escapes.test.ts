import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { BerthError } from '../../src/errors/berth-error.js';
import { installationFolder } from '../../src/installation.js';
import { supervisorProgram } from '../../src/native/index.js';
import { Stage, unlessRoot } from '../container/stage.js';
import { sourceFiles } from '../source-files.js';
import type { Attack } from './attack.js';
import { attacks } from './attacks.js';
import { Scene } from './scene.js';
import { useWeakenedBuild, weakenedFiles, without } from './weakened.js';

/** What of the host was reached, and how the attempt ended. */
interface Outcome {
  reached: string | undefined;
  error: unknown;
}

async function attempt(scene: Scene, attack: Attack): Promise<Outcome> {
  scene.begin();
  const [told, error] = await attack.attempt(scene).then(
    (reached) => [reached, undefined] as const,
    (reason: unknown) => [undefined, reason] as const,
  );
  return { reached: scene.damage() ?? told, error };
}

const answer = (error: unknown) => (error instanceof BerthError ? error.code : (error ?? 'harmless'));

t.test('escapes, tried for real', unlessRoot, async (t) => {
  const scene = new Scene(await Stage.open(t));
  for (const attack of attacks) {
    const lacking = attack.lacking?.(scene);
    t.test(attack.name, lacking === undefined ? {} : { skip: lacking }, async (t) => {
      const { reached, error } = await attempt(scene, attack);
      t.equal(reached, undefined, 'nothing is reached');
      t.equal(answer(error), attack.stopped, String(error ?? 'it ran'));
    });
  }
});

t.test('the same where one defence is missing', unlessRoot, async (t) => {
  const scene = new Scene(await Stage.open(t));
  useWeakenedBuild(t);
  for (const attack of attacks) {
    const lacking = attack.lacking?.(scene);
    t.test(`${attack.defence}: ${attack.name}`, lacking === undefined ? {} : { skip: lacking }, async (t) => {
      const { reached, error } = await without(attack.defence, () => attempt(scene, attack));
      t.ok(reached, `it succeeds: ${reached ?? error}`);
    });
  }
});

/** `holds("…")` in the sources. */
const marked = () =>
  sourceFiles(['native'], ['.cc', '.h'])
    .filter((file) => file.path !== 'native/sys/defence.h')
    .flatMap(({ text }) => [...text.matchAll(/\bholds\("([^"]*)"\)/g)].map((found) => found[1]));

t.test('every defence that can be switched off has its attack', async (t) => {
  const sorted = (names: Iterable<string | undefined>) => [...new Set(names)].sort();
  t.strictSame(sorted(marked()), sorted(attacks.map((attack) => attack.defence)));
});

t.test('what ships has no such switch', async (t) => {
  const traces = ['BERTH_WEAKNESS', ...marked().map(String)];
  const release = path.dirname(supervisorProgram);
  const shipped = readdirSync(release).filter((name) => /^berth[^/]*$/.test(name));
  t.ok(shipped.length >= 2, `${shipped}`);
  const found = (file: string) => {
    const bytes = readFileSync(file);
    // Whole strings of C: some names are words that may well stand in a message.
    return traces.filter((trace) => bytes.includes(`\0${trace}\0`) || bytes.includes('BERTH_WEAKNESS'));
  };
  for (const name of shipped) t.strictSame(found(path.join(release, name)), [], name);
  for (const file of weakenedFiles) t.ok(found(file).length > 0, `${path.basename(file)} has`);
});

t.test('docs/security.md lists every attack', async (t) => {
  const page = readFileSync(path.join(installationFolder, 'docs/security.md'), 'utf8');
  const row = ({ family, name, known, defence }: Attack) =>
    `| ${family} | ${name} | ${known.length === 0 ? '–' : known.join(', ')} | \`${defence}\` |`;
  const rows = page.split('\n').filter((line) => /^\|.*\| `[\w-]+` \|$/.test(line));
  t.strictSame(rows, attacks.map(row));
});
