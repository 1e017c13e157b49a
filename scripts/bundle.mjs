// Makes dist/bundle of the compiled command line: one CommonJS file, and V8's compiled code of it; daemons.cjs beside it has what only they need. Loading a hundred modules takes Node
// longer than starting a container; CommonJS, since it loads Node's own modules only when they are wanted.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';
import { build } from 'esbuild';

const bundle = 'dist/bundle/berth.cjs';

rmSync('dist/bundle', { recursive: true, force: true });
mkdirSync('dist/bundle');
const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  logLevel: 'warning',
  // Large, and only for who checks signatures.
  external: ['openpgp', 'yaml'],
  define: { 'import.meta.url': 'bundleUrl' },
  banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename).href;" },
};
/** What the command line imports of src/cli/daemons is loaded from the other bundle, by require: a vm.Script has no import(). */
const daemons = {
  name: 'daemons',
  setup(build) {
    build.onResolve({ filter: /^\.\.\/daemons\// }, () => ({ path: './daemons.cjs', external: true }));
  },
};
const {
  outputFiles: [built],
} = await build({
  ...common,
  entryPoints: ['dist/src/cli/main.js'],
  outfile: bundle,
  write: false,
  plugins: [daemons],
  supported: { 'dynamic-import': false },
});
// Its first line is what native/front knows it by: what one build has kept is nothing to another (src/containerizer/container/recipe.ts).
const identity = createHash('sha256').update(built.contents).digest('hex');
writeFileSync(bundle, `const bundleIdentity = "${identity}";\n${built.text}`);
const {
  outputFiles: [daemonsBuilt],
} = await build({ ...common, entryPoints: ['dist/src/cli/daemons/index.js'], outfile: 'dist/bundle/daemons.cjs', write: false });
const daemonsIdentity = createHash('sha256').update(daemonsBuilt.contents).digest('hex');
// By it one that runs is told from the one on the disk (src/installation.ts).
writeFileSync('dist/bundle/daemons.cjs', `const daemonsIdentity = "${daemonsIdentity}";\n${daemonsBuilt.text}`);
rmSync('dist/proto', { recursive: true, force: true });
cpSync('src/mesos/proto', 'dist/proto', { recursive: true });

// V8 takes compiled code only from the same version with the same flags, so the flag is set back before the code is written.
v8.setFlagsFromString('--no-lazy');
const script = new vm.Script(`(function (exports, require, module, __filename, __dirname) {${readFileSync(bundle, 'utf8')}\n})`);
v8.setFlagsFromString('--lazy');
writeFileSync(`${bundle}.cache`, script.createCachedData());
