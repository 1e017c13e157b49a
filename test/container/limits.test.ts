import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findContainer } from '../../src/containerizer/container/catalogue.js';
import { cgroupDirectories, cgroupPlaces } from '../../src/containerizer/container/cgroup-places.js';
import { describeConfig } from '../../src/containerizer/container/describe/config.js';
import { launchContainer } from '../../src/containerizer/container/launch.js';
import { explainRefusal } from '../../src/containerizer/container/launch-error.js';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import { detectCgroupLayout } from '../../src/containerizer/host/cgroup-layout.js';
import { native, supervisorProgram } from '../../src/native/index.js';
import { places } from '../../src/state/roots.js';
import { until } from '../fixtures/until.js';
import { leaksSince } from '../leaks/audit.js';
import { difference, takeInventory } from '../leaks/inventory.js';
import { defaults, Stage, unlessRoot } from './stage.js';

const MiB = 1 << 20;

/** Each limit is run into, and must hold. */
t.test('limits', unlessRoot, async (t) => {
  const stage = await Stage.open(t);

  t.test('a fork bomb ends at the limit of processes', async (t) => {
    const bomb = 'i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; echo "all started"';
    const { stdout, stderr, exit } = await stage.run(['sh', '-c', bomb], { pidsLimit: 16 });
    t.equal(stdout, '', 'the shell gives up');
    t.match(stderr, /can't fork: Resource temporarily unavailable/);
    t.not(exit.status, 0);
    const unlimited = await stage.run(
      ['sh', '-c', bomb.replace('40', '60').replace('sleep 5', 'sleep 0.1')],
      { pidsLimit: -1 },
    );
    t.equal(unlimited.stdout, 'all started\n');
  });

  t.test('who takes more memory than its limit is killed, and that is told', async (t) => {
    const hog = ['sh', '-c', 'dd if=/dev/zero of=/dev/null bs=64M count=1'];
    const { exit } = await stage.run(['sh', '-c', `exec ${hog[2]}`], { memory: 16 * MiB });
    t.match(exit, { status: 137, signal: 9, oom_killed: true });
    const child = await stage.run(['sh', '-c', `${hog[2]}; echo survived $?`], { memory: 16 * MiB });
    t.equal(child.stdout, 'survived 137\n', 'a child that is killed is not the container');
    t.match(child.exit, { status: 0, oom_killed: true });
    t.match((await stage.run(hog, { memory: 256 * MiB })).exit, { status: 0, oom_killed: false });
  });

  t.test('files in /dev/shm count as memory too', async (t) => {
    const { exit } = await stage.run(['sh', '-c', 'exec dd if=/dev/zero of=/dev/shm/x bs=1M count=40'], {
      memory: 16 * MiB,
    });
    t.match(exit, { status: 137, oom_killed: true });
  });

  t.test('a busy loop gets its share of a CPU and no more', async (t) => {
    const container = await stage.start(['sh', '-c', 'while :; do :; done'], { cpus: 0.2 });
    const { cgroup } = findContainer(stage.roots, container.id).document;
    const used = () => {
      const v1 = cgroup.controllers.cpuacct;
      if (v1 !== undefined) return Number(readFileSync(path.join(v1, 'cpuacct.usage'), 'utf8')) / 1e9;
      const stat = readFileSync(path.join(cgroup.controllers.cpu ?? '', 'cpu.stat'), 'utf8');
      return Number(/^usage_usec (\d+)/m.exec(stat)?.[1]) / 1e6;
    };
    const throttled = () =>
      Number(
        /^nr_throttled (\d+)/m.exec(
          readFileSync(path.join(cgroup.controllers.cpu ?? '', 'cpu.stat'), 'utf8'),
        )?.[1],
      );
    // The clock around the counter: a pause between the two must not make the share look larger.
    const before = { at: process.hrtime.bigint(), used: used(), throttled: throttled() };
    // However little of a busy host it comes to have, it runs into its limit in the end.
    await until(() => throttled() >= before.throttled + 10, 'it is throttled');
    const share = (used() - before.used) / (Number(process.hrtime.bigint() - before.at) / 1e9);
    container.signal(9);
    await container.ended;
    // At most eleven periods' worth in the time of nine.
    t.ok(share < 0.26, `0.2 CPUs allowed, ${share.toFixed(3)} used`);
  });

  t.test('a limit that the host cannot enforce is an error, and nothing is left', async (t) => {
    const { layout, unified, v1 } = detectCgroupLayout();
    if (layout === 'unified') {
      t.pass('v2 has every controller: the case is one of v1');
      return;
    }
    const id = 'feedfacecafe';
    const { memory: _without, ...rest } = v1;
    const cgroup = cgroupPlaces(stage.roots, id, new Set(), {
      layout,
      unified,
      scope: null,
      v1: rest,
      named: null,
      controllers: [],
    });
    const options: ContainerOptions = { ...defaults, command: ['true'], userns: 'host', memory: 64 * MiB };
    const config = describeConfig({
      id,
      options,
      image: stage.image.config,
      idRange: null,
      nameService: [],
      networkSettings: {},
      cgroup,
      resources: { memory: { limit: 64 * MiB } },
    });
    const launch = {
      format: 1,
      id,
      name: '',
      root: stage.roots.root,
      state_directory: places.run(stage.roots, id),
      container_directory: places.container(stage.roots, id),
      seccomp_directory: places.cache(stage.roots),
      remove: true,
      user: '',
      rootfs: {
        base: stage.roots.root,
        layers: stage.image.layers.map((layer) => path.relative(stage.roots.root, layer)),
      },
      cgroup: {
        unified: cgroup.unified ?? '',
        supervisors: cgroup.supervisors ?? '',
        unified_controls: false,
        v1: cgroup.v1,
      },
      logs: { max_bytes: MiB, max_files: 2 },
    };
    const before = takeInventory(stage.mustBeEmpty());
    const failure = await native()
      .launch({
        config: JSON.stringify(config),
        launch: JSON.stringify(launch),
        container: '{}',
        supervisor: supervisorProgram,
        idRangeFd: -1,
        heldFd: -1,
        stdin: -1,
        stdout: -1,
        stderr: -1,
      })
      .then(
        () => t.fail('it was launched'),
        (error: unknown) => explainRefusal(error, 'container x'),
      );
    t.match(failure, {
      code: 'LIMIT_UNENFORCEABLE',
      exit: 125,
      message: 'limit on memory: the host has no memory controller',
      mend: /berth doctor/,
    });
    t.strictSame(difference(before, takeInventory(stage.mustBeEmpty())).filter(stage.mine), []);
    t.strictSame(cgroupDirectories(cgroup).filter(existsSync), []);
  });

  t.test('a full disk at launch is told, and nothing is left', async (t) => {
    const request = { image: stage.image, options: { ...defaults, command: ['true'] }, client: null };
    let refused = 0;
    let pages = 0;
    for (let fits = false; !fits && pages < 64; ) {
      // A page more each time: the disk is full for the first document, for the next, for the supervisor's own record.
      pages += 1;
      const size = `size=${pages * 4096}`;
      const state = path.join(stage.folder, `full-${pages}`);
      const roots = { ...stage.roots, state };
      mkdirSync(state);
      t.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'berth-test', state]).status, 0);
      const before = takeInventory(stage.mustBeEmpty());
      try {
        const { ended } = await launchContainer(roots, request);
        await ended;
        fits = true;
      } catch (error) {
        refused += 1;
        t.match(error, { code: 'NO_SPACE', exit: 125, mend: /Free space/ }, size);
      }
      t.strictSame(readdirSync(places.running(roots)), [], size);
      t.strictSame(await leaksSince(before, stage.mustBeEmpty(), stage.mine), []);
      t.equal(spawnSync('umount', [state]).status, 0);
    }
    t.ok(refused >= 3 && pages < 64, `refused ${refused} times, started with ${pages} pages`);
  });
});
