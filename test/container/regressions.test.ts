import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { waitForExit } from '../../src/containerizer/container/wait.js';
import { until } from '../fixtures/until.js';
import { Stage, unlessRoot } from './stage.js';

/** One test for each defect that was found, named after it. */
t.test('regressions', unlessRoot, async (t) => {
  const stage = await Stage.open(t);

  await t.test('a socket family with bits above the lower half passed the filter', async (t) => {
    const source = path.join(stage.folder, 'socket.c');
    const program = path.join(stage.folder, 'socket');
    writeFileSync(
      source,
      `#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
  const long families[] = {40, 40 | 1L << 32, 1, 2 | 1L << 32};
  for (int i = 0; i < 4; ++i) printf("%d ", syscall(SYS_socket, families[i], 1, 0) < 0 ? errno : 0);
}
`,
    );
    execFileSync('gcc', ['-static', '-o', program, source]);
    const image = await stage.makeImage([
      { name: 'bin/socket', content: readFileSync(program), mode: 0o755 },
    ]);
    t.equal((await stage.run(['socket'], {}, image)).stdout, '38 38 0 0 ', 'AF_VSOCK twice, UNIX, INET');
  });

  await t.test(
    'a link of the image led a volume onto /dev, and device nodes into the folder of the host',
    async (t) => {
      const folder = path.join(stage.folder, 'shared');
      mkdirSync(folder);
      const image = await stage.makeImage([{ name: 'data', type: 'symlink', link: '/dev' }]);
      const volumes = [{ source: folder, target: '/data', readonly: false, recursive: false, idmap: true }];
      await t.rejects(stage.run(['true'], { volumes }, image), {
        code: 'LAUNCH_FAILED',
        what: 'mount /data',
      });
      t.strictSame(readdirSync(folder), []);
    },
  );

  await t.test('a status of 2 was taken for a failed launch when the supervisor was slow', async (t) => {
    for (let i = 0; i < 10; i++) t.equal((await stage.run(['sh', '-c', 'exit 2'])).exit.status, 2);
  });

  await t.test(
    'a process killed for want of memory before its program ran was told as one that ran',
    async (t) => {
      await t.rejects(stage.run(['true'], { memory: 4096 }), {
        code: 'LAUNCH_FAILED',
        why: /killed before its program/,
      });
    },
  );

  await t.test('who had asked to wait, and was not read yet, was not told the end', async (t) => {
    const { id } = await stage.start(['sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.05; done'], {
      name: 'slow',
    });
    const state = JSON.parse(
      readFileSync(path.join(stage.roots.state, 'containers', id, 'state.json'), 'utf8'),
    ) as {
      supervisor: { pid: number };
      task: { pid: number };
    };
    process.kill(state.supervisor.pid, 'SIGSTOP');
    const waiting = connect(path.join(stage.roots.state, 'containers', id, 'control.sock'));
    let told = '';
    waiting.on('data', (chunk) => {
      told += String(chunk);
    });
    const closed = new Promise((resolve) => waiting.once('close', resolve));
    await new Promise<void>((resolve) => waiting.write('wait\n', () => resolve()));
    // The container ends meanwhile, so that the supervisor finds both at once.
    await until(() => {
      // Its trap may not be there yet: until then a first process has no use for the signal.
      process.kill(state.task.pid, 'SIGTERM');
      return readFileSync(`/proc/${state.task.pid}/stat`, 'utf8').includes(') Z ');
    }, 'its program has ended');
    process.kill(state.supervisor.pid, 'SIGCONT');
    await closed;
    t.match(told, /^exited \{.*"status":3,/m);
  });

  await t.test('rm -v failed when volumes had gone with a container of run --rm', async (t) => {
    const words = ['-d', '--rm', '--name', 'gone', '-v', '/tmp/own', stage.image.reference, 'sleep', '1000'];
    t.equal(stage.berth('run', ...words).status, 0);
    t.match(stage.berth('rm', '-f', '-v', 'gone'), { status: 0, stdout: 'gone\n', stderr: '' });
    t.equal(stage.berth('volume ls', '-q').stdout, '');
  });

  await t.test(
    'the end of a container with --rm was told as lost to who asked a moment too late',
    async (t) => {
      const running = await stage.start(['sh', '-c', 'sleep 0.2; exit 7']);
      const container = findContainer(stage.roots, running.id);
      await running.gone;
      t.match(await waitForExit(stage.roots, container), { status: 7, signal: null, oom_killed: false });
    },
  );
});
