import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';

/** A launch on Node 26 ended in SIGSEGV: it called methods of Node's simdjson as those of the one that it was built with are called. */
t.test('nothing of the addon or of its libraries is bound to what Node has of its own', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-test-bindings-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const url = new URL('../../src/native/index.js', import.meta.url).href;
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', `(await import('${url}')).native();`],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        ...{ NODE_OPTIONS: '', LD_DEBUG: 'bindings', LD_DEBUG_OUTPUT: path.join(folder, 'said') },
        // All of it at once, not when it is called first.
        LD_BIND_NOW: '1',
      },
    },
  );
  t.equal(status, 0, stderr);
  // ld.so(8): `PID: binding file FROM [0] to TO [0]: normal symbol `NAME' [VERSION]`.
  const bindings = readdirSync(folder)
    .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n'))
    .map((line) => /binding file (\S+) \[0\] to (\S+) \[0\]: normal symbol `([^']+)'/.exec(line)?.slice(1));
  const own = bindings.filter((binding) =>
    /\/(berth\.node|lib(simdjson|isal|zstd|lzma|bz2)\.so.*)$/.test(binding?.[0] ?? ''),
  );
  t.ok(
    own.some(([, , name = ''] = []) => name.includes('get_active_implementation')),
    'they are seen',
  );
  const program = path.basename(process.execPath);
  const toNode = own.filter(([, to = ''] = []) => path.basename(to) === program);
  t.ok(toNode.length > 0, 'Node-API');
  t.strictSame(
    toNode.filter(([, , name = ''] = []) => !/^(napi|node_api)_/.test(name)),
    [],
  );
});
