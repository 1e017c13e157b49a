import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LayerEntry } from '../layout/layer.js';
import type { ImageContent } from '../layout/layout.js';

/** Who the program runs as: nobody special. */
const user = { name: 'node', id: 1000 };

export const programPath = realpathSync(process.execPath);
const appFolder = fileURLToPath(new URL('./app/', import.meta.url));
const appFiles = ['server.js', 'load.js'];

/**
 * The shared objects that this very process runs with, and its loader: what the kernel and ld.so found, whatever way this Node
 * was built. The vdso has no file.
 */
export function sharedLibraries(): string[] {
  const report = process.report.getReport() as unknown as { sharedObjects: string[] };
  return report.sharedObjects.filter((file) => path.isAbsolute(file) && !file.endsWith('.node')).sort();
}

/** Everything the image is made of: the Node that runs this, what it needs, and a small web server. */
export function nodeImage(): ImageContent {
  const libraries = sharedLibraries();
  return {
    tag: 'latest',
    layers: [
      [
        { path: 'usr/local/bin/node', mode: 0o755, kind: 'copy', from: programPath },
        ...libraries.map((from): LayerEntry => ({ path: from.slice(1), mode: 0o755, kind: 'copy', from })),
      ],
      [
        ...accounts(),
        { path: 'tmp', mode: 0o1777, kind: 'directory' },
        { path: `home/${user.name}`, mode: 0o750, owner: user.id, kind: 'directory' },
        { path: 'app/package.json', mode: 0o644, kind: 'text', text: '{ "type": "module" }\n' },
        ...appFiles.map(
          (file): LayerEntry => ({ path: `app/${file}`, mode: 0o644, kind: 'text', text: readApp(file) }),
        ),
      ],
    ],
    config: {
      User: String(user.id),
      Env: [`HOME=/home/${user.name}`, 'NODE_ENV=production', ...libraryPath(libraries)],
      Entrypoint: ['/usr/local/bin/node'],
      Cmd: ['/app/server.js'],
      ExposedPorts: { '8080/tcp': {} },
      WorkingDir: '/app',
      StopSignal: 'SIGTERM',
    },
  };
}

function accounts(): LayerEntry[] {
  const { name, id } = user;
  return [
    {
      path: 'etc/passwd',
      mode: 0o644,
      kind: 'text',
      text: `root:x:0:0:root:/root:/sbin/nologin\n${name}:x:${id}:${id}::/home/${name}:/sbin/nologin\n`,
    },
    { path: 'etc/group', mode: 0o644, kind: 'text', text: `root:x:0:\n${name}:x:${id}:\n` },
  ];
}

function readApp(file: string): string {
  return readFileSync(path.join(appFolder, file), 'utf8').replace(/^\/\/# sourceMappingURL=.*\n?/m, '');
}

/** The loader looks into these by itself; a Node that was built elsewhere may have its libraries anywhere. */
function libraryPath(libraries: readonly string[]): string[] {
  const elsewhere = new Set(
    libraries.map((file) => path.dirname(file)).filter((folder) => !/^(\/usr)?\/lib/.test(folder)),
  );
  return elsewhere.size === 0 ? [] : [`LD_LIBRARY_PATH=${[...elsewhere].join(':')}`];
}
