import path from 'node:path';
import t from 'tap';
import { type SourceFile, sourceFiles } from './source-files.js';

/** What each folder of src may import beside itself: only what lies below it. */
const layers: Record<string, readonly string[]> = {
  cli: [
    'agent',
    'master-lite',
    'inspect',
    'containerizer',
    'http',
    'mesos',
    'appc-spec',
    'oci-spec',
    'service',
    'settings',
    'state',
    'errors',
    'native',
  ],
  agent: [
    'inspect',
    'containerizer',
    'http',
    'mesos',
    'appc-spec',
    'oci-spec',
    'settings',
    'state',
    'errors',
    'native',
  ],
  // Agent and master meet over HTTP alone.
  'master-lite': ['http', 'mesos', 'settings', 'state', 'errors', 'native'],
  // The two views of a host know nothing of each other: inspect is handed its tasks.
  inspect: ['http', 'state', 'errors', 'native'],
  containerizer: ['appc-spec', 'oci-spec', 'state', 'errors', 'native'],
  http: ['mesos', 'settings', 'state', 'errors', 'native'],
  // What systemd is told of a daemon, and what a configuration is: neither knows which daemons there are.
  service: ['http', 'settings', 'state', 'errors', 'native'],
  settings: ['errors'],
  mesos: ['errors'],
  'appc-spec': ['oci-spec', 'errors'],
  'oci-spec': ['errors'],
  state: ['errors', 'native'],
  native: ['errors'],
  errors: [],
};

/** The same for native/, by the folder in an include. Nothing but the addon knows of Node. */
const nativeLayers: Record<string, readonly string[]> = {
  sys: [],
  launch: ['sys'],
  addon: ['launch', 'sys'],
  init: ['launch', 'sys'],
  runtime: ['launch', 'sys'],
  copy: ['sys'],
  metadata: ['sys'],
  front: ['launch', 'sys'],
  test: ['copy', 'front', 'init', 'launch', 'metadata', 'sys'],
  fuzz: ['test', 'init', 'launch', 'metadata', 'sys'],
};

interface Import {
  from: string;
  to: string;
  /** Gone at run time: `import type`. */
  typeOnly: boolean;
  /** `import()`: loaded later, so it closes no cycle. */
  dynamic: boolean;
}

const folderOf = (file: string) => file.split('/')[1] ?? '';

function importsOf({ path: from, text }: SourceFile): Import[] {
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^'";]*?from\s+'(\.[^']+)'|^import\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'\s*\)/gm,
  );
  return [...statements].map(([, type, named, bare, dynamic]) => ({
    from,
    to: path.join(path.dirname(from), (named ?? bare ?? dynamic ?? '').replace(/\.js$/, '.ts')),
    typeOnly: type !== undefined,
    dynamic: dynamic !== undefined,
  }));
}

function violations(imports: readonly Import[]): string[] {
  return imports
    .filter(({ from, to }) => {
      const [own, other] = [folderOf(from), folderOf(to)];
      // A file of src itself, e.g. version.ts, is for everyone.
      if (!to.startsWith('src/')) return true;
      return other.includes('.') || own === other ? false : !layers[own]?.includes(other);
    })
    .map(({ from, to }) => `${from} imports ${to}`);
}

/** A path of imports that comes back to where it started; undefined when there is none. */
function cycle(imports: readonly Import[]): string[] | undefined {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly, dynamic } of imports) {
    if (!typeOnly && !dynamic) next.set(from, [...(next.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const walk = (file: string, trail: string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    for (const other of next.get(file) ?? []) {
      const found = walk(other, [...trail, file]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  for (const file of next.keys()) {
    const found = walk(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

function includeViolations({ path: file, text }: SourceFile): string[] {
  const own = folderOf(file);
  const includes = [...text.matchAll(/^\s*#\s*include\s+["<]([^">]+)[">]/gm)].map((match) => match[1] ?? '');
  return includes
    .filter((name) => {
      if (/^(napi|node_api|node|v8|uv)\b/.test(name)) return own !== 'addon';
      const folder = name.split('/')[0] ?? '';
      return folder in nativeLayers && folder !== own && !nativeLayers[own]?.includes(folder) && ours(name);
    })
    .map((name) => `${file} includes ${name}`);
}

const headers = new Set(sourceFiles(['native'], ['.h']).map((file) => file.path));
/** <sys/mount.h> of libc is not "sys/mount.h" of ours: ours are looked for among our own headers. */
const ours = (name: string) => headers.has(`native/${name}`);

const sources = sourceFiles(['src'], ['.ts']);
const imports = sources.flatMap(importsOf);

t.test('every folder of src has its layer', async (t) => {
  const folders = new Set(sources.map((file) => folderOf(file.path)).filter((name) => !name.includes('.')));
  t.strictSame(
    [...folders].filter((name) => !(name in layers)),
    [],
  );
  t.ok(imports.length > 20, 'imports are found');
});

t.test('imports go downward', async (t) => t.strictSame(violations(imports), []));

t.test('no import comes back to where it started', async (t) => t.equal(cycle(imports), undefined));

t.test('includes go downward, and only the addon knows of Node', async (t) => {
  const files = sourceFiles(['native'], ['.cc', '.h']);
  t.strictSame(
    [...new Set(files.map((file) => folderOf(file.path)))].filter((name) => !(name in nativeLayers)),
    [],
  );
  t.strictSame(files.flatMap(includeViolations), []);
});

t.test('these rules find what they are for', async (t) => {
  const check = (file: string, text: string) => violations(importsOf({ path: file, text }));
  const refused = [
    ['src/state/a.ts', "import { x } from '../containerizer/b.js';"],
    ['src/inspect/a.ts', "import type { x } from '../containerizer/b.js';"],
    ['src/containerizer/image/a.ts', "export * from '../../inspect/b.js';"],
    ['src/agent/a.ts', "import {\n  x,\n} from '../master-lite/b.js';"],
    ['src/errors/a.ts', "const x = await import('../state/b.js');"],
    ['src/errors/a.ts', "import '../native/b.js';"],
    ['src/cli/a.ts', "import { x } from '../../test/b.js';"],
  ] as const;
  for (const [file, text] of refused) t.equal(check(file, text).length, 1, text);
  t.strictSame(
    check('src/cli/verbs/a.ts', "import { x } from '../../state/b.js';\nimport y from 'tap';"),
    [],
  );
  t.strictSame(check('src/agent/a.ts', "import { version } from '../version.js';"), []);

  const files = {
    'src/state/a.ts': "import { b } from './b.js';",
    'src/state/b.ts': "import { a } from './a.js';",
  };
  const both = Object.entries(files).flatMap(([file, text]) => importsOf({ path: file, text }));
  t.strictSame(cycle(both), ['src/state/a.ts', 'src/state/b.ts', 'src/state/a.ts']);

  const included = (file: string, text: string) => includeViolations({ path: file, text }).length;
  t.equal(included('native/sys/a.cc', '#include <napi.h>'), 1);
  t.equal(included('native/sys/a.cc', '#include "addon/job.h"'), 1);
  t.equal(included('native/sys/a.cc', '#include <sys/mount.h>\n#include "sys/fd.h"'), 0);
  t.equal(included('native/addon/a.cc', '#include <napi.h>\n#include "sys/fd.h"'), 0);
});
