// What native/front becomes for all that it does not do itself.
'use strict';
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { Script } = require('node:vm');

const file = path.join(path.dirname(__dirname), 'dist/bundle/berth.cjs');
let source;
let cachedData;
try {
  source = readFileSync(file, 'utf8');
  cachedData = readFileSync(`${file}.cache`);
} catch {
  if (source === undefined) {
    process.stderr.write("berth: not built: dist/bundle is missing\nRun ./dev build in berth's folder.\n");
    process.exit(125);
  }
}
// What Node's own loader does with a CommonJS module, but with V8's compiled code at hand; another V8 than the build's passes it over.
const wrapped = `(function (exports, require, module, __filename, __dirname) {${source}\n})`;
const load = new Script(wrapped, { filename: file, cachedData }).runInThisContext();
const module_ = { exports: {} };
load(module_.exports, createRequire(file), module_, file, path.dirname(file));
