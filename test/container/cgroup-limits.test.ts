import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { findContainer, listContainers } from '../../src/containerizer/container/catalogue.js';
import { killCgroup } from '../../src/containerizer/container/cgroup-kill.js';
import type { ContainerOptions } from '../../src/containerizer/container/options.js';
import type { RuntimeResources } from '../../src/oci-spec/runtime.js';
import { until } from '../fixtures/until.js';
import {
  bytesWritten,
  type CgroupFile,
  counter,
  diskUnder,
  hostHas,
  kernelSays,
  version,
} from './cgroup-files.js';
import { Stage, unlessRoot } from './stage.js';

const MiB = 1 << 20;
const sleeper = ['sleep', '600'];

const memoryEvents: CgroupFile = { v1: ['memory', 'memory.oom_control'], v2: 'memory.events' };

/** The contract of limits, the same on every layout: what was asked for stands in the kernel's own files, and holds. */
t.test('limits of both cgroup layouts', unlessRoot, async (t) => {
  const stage = await Stage.open(t);
  const disk = diskUnder(stage.folder);
  const [major = 0, minor = 0] = (disk ?? '').split(':').map(Number);
  const noDisk = disk === undefined ? 'a disk under the test' : false;

  /** Starts a container, compares files, ends it. */
  const holds = async (
    t: Test,
    options: Partial<ContainerOptions>,
    expected: [what: string, file: CgroupFile, content: string | RegExp][],
  ) => {
    const container = await stage.start(sleeper, options);
    for (const [what, file, content] of expected) {
      const said = kernelSays(stage, container.id, file);
      if (said === undefined) t.comment(`${what}: cgroup v${version} has no file for it`);
      else t.match(said, content instanceof RegExp ? content : new RegExp(`^${content}$`, 'm'), what);
    }
    container.signal(9);
    await container.ended;
  };

  t.test('memory, swap, processes and CPU time', async (t) => {
    await holds(
      t,
      {
        memory: 64 * MiB,
        memoryReservation: 32 * MiB,
        pidsLimit: 100,
        cpuShares: 512,
        cpuQuota: 50_000,
        cpuPeriod: 200_000,
        resources: { cpu: { burst: 10_000 } },
      },
      [
        ['memory', { v1: ['memory', 'memory.limit_in_bytes'], v2: 'memory.max' }, `${64 * MiB}`],
        ['twice the memory with swap', { v1: ['memory', 'memory.memsw.limit_in_bytes'] }, `${128 * MiB}`],
        ['as much swap again', { v2: 'memory.swap.max' }, `${64 * MiB}`],
        ['reservation', { v1: ['memory', 'memory.soft_limit_in_bytes'], v2: 'memory.low' }, `${32 * MiB}`],
        ['processes', { v1: ['pids', 'pids.max'], v2: 'pids.max' }, '100'],
        ['shares', { v1: ['cpu', 'cpu.shares'] }, '512'],
        ['512 shares as a weight', { v2: 'cpu.weight' }, '20'],
        ['quota', { v1: ['cpu', 'cpu.cfs_quota_us'] }, '50000'],
        ['period', { v1: ['cpu', 'cpu.cfs_period_us'] }, '200000'],
        ['quota and period', { v2: 'cpu.max' }, '50000 200000'],
        ['burst', { v1: ['cpu', 'cpu.cfs_burst_us'], v2: 'cpu.max.burst' }, '10000'],
      ],
    );
  });

  t.test('no swap, any swap, CPUs, idle time', async (t) => {
    await holds(t, { memory: 64 * MiB, memorySwap: 64 * MiB, cpus: 1.5 }, [
      ['no more with swap', { v1: ['memory', 'memory.memsw.limit_in_bytes'] }, `${64 * MiB}`],
      ['no swap', { v2: 'memory.swap.max' }, '0'],
      ['quota of 1.5 CPUs', { v1: ['cpu', 'cpu.cfs_quota_us'] }, '150000'],
      ['1.5 CPUs', { v2: 'cpu.max' }, '150000 100000'],
    ]);
    await holds(t, { memory: 64 * MiB, memorySwap: -1, resources: { cpu: { idle: 1 } } }, [
      ['any swap on v1', { v1: ['memory', 'memory.memsw.limit_in_bytes'] }, '9223372036854771712'],
      ['any swap on v2', { v2: 'memory.swap.max' }, 'max'],
      ['idle', { v1: ['cpu', 'cpu.idle'], v2: 'cpu.idle' }, '1'],
    ]);
  });

  t.test('what only one layout has works there, and is refused on the other', async (t) => {
    const refuses = async (options: Partial<ContainerOptions>, what: string, why: RegExp) =>
      t.rejects(
        stage.run(['true'], options),
        { code: 'LIMIT_UNENFORCEABLE', exit: 125, what: `limit on ${what}`, why },
        what,
      );
    const old: RuntimeResources = {
      memory: { kernelTCP: 8 * MiB },
      cpu: { realtimeRuntime: 10_000, realtimePeriod: 500_000 },
    };
    if (version === 1) {
      await holds(t, { memorySwappiness: 7, oomKillDisable: true, resources: old }, [
        ['swappiness', { v1: ['memory', 'memory.swappiness'] }, '7'],
        ['OOM killer', { v1: ['memory', 'memory.oom_control'] }, /^oom_kill_disable 1$/m],
        ['memory of TCP', { v1: ['memory', 'memory.kmem.tcp.limit_in_bytes'] }, `${8 * MiB}`],
        ['real-time CPU time', { v1: ['cpu', 'cpu.rt_runtime_us'] }, '10000'],
        ['real-time period', { v1: ['cpu', 'cpu.rt_period_us'] }, '500000'],
      ]);
      await refuses({ cgroupConf: { 'memory.high': '1' } }, 'memory.high', /a file of cgroup v2/);
    } else {
      await holds(t, { cgroupConf: { 'memory.high': `${33 * MiB}`, 'memory.oom.group': '1' } }, [
        ['memory.high', { v2: 'memory.high' }, `${33 * MiB}`],
        ['memory.oom.group', { v2: 'memory.oom.group' }, '1'],
      ]);
      await refuses({ memorySwappiness: 7 }, 'swappiness', /whole host/);
      await refuses({ oomKillDisable: true }, 'the OOM killer', /cannot switch it off/);
      await refuses({ resources: { memory: old.memory ?? {} } }, 'memory of TCP', /all other memory/);
      await refuses({ resources: { cpu: old.cpu ?? {} } }, 'real-time CPU time', /no limit on it/);
      await refuses({ cgroupConf: { 'memory.heigh': '1' } }, 'memory.heigh', /no memory.heigh here/);
      await refuses({ cgroupConf: { 'nothing.max': '1' } }, 'nothing.max', /the nothing controller is not/);
      await t.rejects(stage.run(['true'], { cgroupConf: { 'memory.high': 'lots' } }), {
        code: 'LIMIT_REFUSED',
        why: /does not take lots in .*memory\.high: .*EINVAL/,
      });
    }
    const net: RuntimeResources = {
      network: { classID: 1_048_577, priorities: [{ name: 'lo', priority: 3 }] },
    };
    if (version === 1 && hostHas('net_cls', '') && hostHas('net_prio', '')) {
      await holds(t, { resources: net }, [
        ['network class', { v1: ['net_cls', 'net_cls.classid'] }, '1048577'],
        ['network priority', { v1: ['net_prio', 'net_prio.ifpriomap'] }, /^lo 3$/m],
      ]);
    } else {
      await refuses({ resources: net }, 'network class', /has none|no net_cls controller/);
    }
    const huge: RuntimeResources = { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }] };
    if (hostHas('hugetlb', 'hugetlb')) {
      await holds(t, { resources: huge }, [
        [
          'huge pages',
          { v1: ['hugetlb', 'hugetlb.2MB.limit_in_bytes'], v2: 'hugetlb.2MB.max' },
          `${4 * MiB}`,
        ],
        [
          'huge pages set aside',
          { v1: ['hugetlb', 'hugetlb.2MB.rsvd.limit_in_bytes'], v2: 'hugetlb.2MB.rsvd.max' },
          `${4 * MiB}`,
        ],
      ]);
    } else {
      await refuses({ resources: huge }, 'huge pages of 2MB', /no hugetlb controller/);
    }
    await refuses(
      { resources: { blockIO: { leafWeight: 300 } } },
      'I/O leaf weight',
      /has none|no blkio.leaf/,
    );
  });

  t.test('names of files that are no limits do not get past the door', async (t) => {
    for (const name of [
      '../memory.max',
      'memory/max',
      'cgroup.procs',
      'cgroup.freeze',
      'nodots',
      '.max',
      'a..b',
    ]) {
      await t.rejects(
        stage.run(['true'], { cgroupConf: { [name]: '1' } }),
        { code: 'LAUNCH_FAILED', why: /linux\.resources\.unified\./ },
        name,
      );
    }
    await t.rejects(
      stage.run(['true'], { resources: { hugepageLimits: [{ pageSize: '../2MB', limit: 1 }] } }),
      { code: 'LAUNCH_FAILED', why: /pageSize: must be a size/ },
    );
  });

  t.test('CPUs and memory nodes', async (t) => {
    const said = await stage.sh('grep -E "^(Cpus|Mems)_allowed_list" /proc/self/status', {
      cpusetCpus: '0',
      cpusetMems: '0',
    });
    t.equal(said, 'Cpus_allowed_list:\t0\nMems_allowed_list:\t0');
    await holds(t, { cpusetCpus: '0', cpusetMems: '0' }, [
      ['CPUs', { v1: ['cpuset', 'cpuset.cpus'], v2: 'cpuset.cpus' }, '0'],
      ['memory nodes', { v1: ['cpuset', 'cpuset.mems'], v2: 'cpuset.mems' }, '0'],
    ]);
    await t.rejects(stage.run(['true'], { cpusetCpus: '0,4095' }), {
      code: 'USAGE',
      message: /^--cpuset-cpus 0,4095: 4095 is not one of the CPUs of this host: 0/,
    });
    await t.rejects(stage.run(['true'], { cpusetCpus: '1-0' }), { code: 'USAGE' });
    await t.rejects(stage.run(['true'], { cpusetMems: '4095' }), { code: 'USAGE' });
  });

  t.test('rates and weights of disks', { skip: noDisk }, async (t) => {
    const rate = (amount: number) => [{ major, minor, rate: amount }];
    await holds(
      t,
      {
        io: [{ device: disk ?? '', rbps: 3 * MiB, wbps: 2 * MiB }],
        resources: { blockIO: { throttleReadIOPSDevice: rate(70), throttleWriteIOPSDevice: rate(60) } },
      },
      [
        ['bytes read', { v1: ['blkio', 'blkio.throttle.read_bps_device'] }, `${disk} ${3 * MiB}`],
        ['bytes written', { v1: ['blkio', 'blkio.throttle.write_bps_device'] }, `${disk} ${2 * MiB}`],
        ['reads', { v1: ['blkio', 'blkio.throttle.read_iops_device'] }, `${disk} 70`],
        ['writes', { v1: ['blkio', 'blkio.throttle.write_iops_device'] }, `${disk} 60`],
        ['io.max', { v2: 'io.max' }, `${disk} rbps=${3 * MiB} wbps=${2 * MiB} riops=70 wiops=60`],
      ],
    );
    await t.rejects(stage.run(['true'], { io: [{ device: '/dev/null', rbps: 1 }] }), {
      code: 'USAGE',
      message: /\/dev\/null: it is not a block device/,
    });
    await t.rejects(stage.run(['true'], { io: [{ device: '4095:0', rbps: 1 }] }), {
      code: 'USAGE',
      message: /4095:0: this host has no block device 4095:0/,
    });
    // Weights come with a scheduler or a cost model, which a kernel may lack.
    const container = await stage.start(sleeper, { blkioWeight: 500 }).catch((error: unknown) => {
      t.match(error, { code: 'LIMIT_UNENFORCEABLE', what: 'limit on I/O weight' });
      return undefined;
    });
    if (container === undefined) return t.comment('this kernel has no I/O weights');
    const weights = ['io.bfq.weight', 'io.weight'].map((file) => {
      try {
        return kernelSays(stage, container.id, { v1: ['blkio', 'blkio.bfq.weight'], v2: file });
      } catch {
        return undefined;
      }
    });
    const [bfq, cost] = weights;
    if (bfq !== undefined) t.match(bfq, /^(default )?500$/m, 'of BFQ');
    if (version === 2 && cost !== undefined) t.match(cost, /^default 4950$/m, 'of the cost model');
    container.signal(9);
    await container.ended;
  });

  t.test('readiness to be killed', async (t) => {
    t.equal(await stage.sh('cat /proc/self/oom_score_adj', { oomScoreAdj: 321 }), '321');
  });

  t.test('one MiB is enough for a small program', async (t) => {
    for (let i = 0; i < 5; i++) t.equal((await stage.run(['true'], { memory: MiB })).exit.status, 0);
  });

  t.test('a quota holds by the accounts of the cgroup itself', async (t) => {
    const quota = 20_000;
    const container = await stage.start(['sh', '-c', 'while :; do :; done'], { cpus: quota / 100_000 });
    const stat: CgroupFile = { v1: ['cpu', 'cpu.stat'], v2: 'cpu.stat' };
    const read = (key: string) => counter(stage, container.id, stat, key);
    const used = () =>
      version === 2
        ? read('usage_usec')
        : Number(kernelSays(stage, container.id, { v1: ['cpuacct', 'cpuacct.usage'] })) / 1000;
    await until(() => read('nr_throttled') >= 3, 'it is throttled');
    const before = { used: used(), periods: read('nr_periods') };
    await until(() => read('nr_periods') >= before.periods + 10, 'periods pass');
    const after = { used: used(), periods: read('nr_periods') };
    // One period on either side may be counted late.
    const most = (after.periods - before.periods + 2) * quota * 1.05;
    t.ok(after.used - before.used <= most, `${after.used - before.used} µs used, ${most} allowed`);
    await until(
      () => read(version === 2 ? 'throttled_usec' : 'throttled_time') > 0,
      'throttled time is counted',
    );
    container.signal(9);
    await container.ended;
  });

  t.test('the limit of processes is counted where it is met', async (t) => {
    const bomb = 'i=0; while [ $i -lt 40 ]; do sleep 600 & i=$((i+1)); done';
    const container = await stage.start(['sh', '-c', `(${bomb}); sleep 600`], { pidsLimit: 16 });
    const events: CgroupFile = { v1: ['pids', 'pids.events'], v2: 'pids.events' };
    await until(() => counter(stage, container.id, events, 'max') > 0, 'a fork is refused');
    t.ok(Number(kernelSays(stage, container.id, { v1: ['pids', 'pids.current'], v2: 'pids.current' })) <= 16);
    container.signal(9);
    await container.ended;
  });

  t.test('who is killed at the limit of memory is counted there', async (t) => {
    const hog = 'dd if=/dev/zero of=/dev/null bs=64M count=1';
    const container = await stage.start(['sh', '-c', `${hog}; sleep 600`], {
      memory: 16 * MiB,
      memorySwap: 16 * MiB,
    });
    await until(() => counter(stage, container.id, memoryEvents, 'oom_kill') === 1, 'dd is killed');
    if (version === 2) t.ok(counter(stage, container.id, memoryEvents, 'max') > 0);
    const most = kernelSays(stage, container.id, { v1: ['memory', 'memory.max_usage_in_bytes'] });
    if (version === 1) t.ok(Number(most) > 0 && Number(most) <= 16 * MiB, `${most} bytes at most`);
    container.signal(9);
    t.match(await container.ended, { oom_killed: true });
  });

  t.test('whom the kernel killed, and at whose limit, is told', async (t) => {
    const limits = { memory: 16 * MiB, memorySwap: 16 * MiB };
    const hog = 'dd if=/dev/zero of=/dev/null bs=64M count=1';
    const child = await witnessed(
      () => stage.run(['sh', '-c', `${hog}; exit 3`], limits),
      ({ exit }) => exit.oom?.process !== null,
    );
    t.match(child.exit, {
      status: 3,
      oom_killed: true,
      oom: { kills: 1, process: 'dd', level: 'container', limit: 16 * MiB, pid: Number },
    });
    // A name that looks like the rest of the kernel's line.
    const named = await witnessed(
      () =>
        stage.run(['sh', '-c', `cp /bin/busybox '/busybox,pid=1'; '/busybox,pid=1' ${hog}; true`], limits),
      ({ exit }) => exit.oom?.process !== null,
    );
    t.match(named.exit.oom, { process: 'busybox,pid=1' });

    const { id, pid, oom } = await witnessed(
      async () => {
        const container = await stage.start(['sh', '-c', `exec ${hog}`], { ...limits, remove: false });
        return { ...container, oom: (await container.ended).oom };
      },
      (first) => first.oom?.process !== null,
    );
    t.match(oom, { process: 'dd', pid, cgroup: new RegExp(`/berth-.*/${id}$`) });
    const words = `killed for want of memory: dd (pid ${pid} on the host) at the container's limit of 16 MiB`;
    const inspected = JSON.parse(stage.berth('inspect', id).stdout) as Record<string, unknown>;
    t.equal(inspected.reason, words);
    t.match(inspected.oom, { kills: 1 });
    t.ok(stage.berth('ps', '-a').stderr.includes(`${id}: ${words}\n`));
    for (const { document } of listContainers(stage.roots)) t.equal(stage.berth('rm', document.id).status, 0);

    const flags = ['--rm', '--memory', '16m', '--memory-swap', '16m', stage.image.reference];
    const told = stage.berth('run', ...flags, 'sh', '-c', `exec ${hog}`);
    t.equal(told.status, 137);
    t.match(told.stderr, /^berth: container [0-9a-f]{12}: killed for want of memory: .* limit .*16 MiB$/m);
  });

  t.test('memory.high slows down and is counted', { skip: version === 1 && 'cgroup v2' }, async (t) => {
    const container = await stage.start(
      ['sh', '-c', 'dd if=/dev/zero of=/dev/shm/x bs=1M count=32; sleep 600'],
      {
        cgroupConf: { 'memory.high': `${8 * MiB}` },
      },
    );
    await until(() => counter(stage, container.id, memoryEvents, 'high') > 0, 'memory.high is met');
    container.signal(9);
    await container.ended;
    t.pass();
  });

  t.test('a disk gets no more than its rate', { skip: noDisk }, async (t) => {
    const wbps = MiB;
    const container = await stage.start(
      ['sh', '-c', 'dd if=/dev/zero of=/x bs=64k count=100000 oflag=direct; sleep 600'],
      { io: [{ device: disk ?? '', wbps }] },
    );
    const seconds = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    await until(() => bytesWritten(stage, container.id) > 0, 'it writes');
    const start = { at: seconds(), bytes: bytesWritten(stage, container.id) };
    await until(() => seconds() >= start.at + 1.5, 'a while');
    const bytes = bytesWritten(stage, container.id) - start.bytes;
    const took = seconds() - start.at;
    // The kernel lets half a second's worth run ahead, at most.
    t.ok(bytes <= wbps * (took + 0.5), `${bytes} bytes in ${took} s`);
    t.ok(bytes > 0, 'it goes on writing');
    container.signal(9);
    await container.ended;
  });

  t.test('a task is born in its cgroup, and one write ends all of it', async (t) => {
    const container = await stage.start(['sh', '-c', 'sleep 600 & sleep 600 & wait'], { remove: false });
    const { cgroup_places: places } = findContainer(stage.roots, container.id).document;
    if (places.unified === null) return t.comment('no unified hierarchy');
    t.match(
      readFileSync(`/proc/${container.pid}/cgroup`, 'utf8'),
      new RegExp(`^0::/.*/${container.id}$`, 'm'),
    );
    killCgroup(places);
    t.match(await container.ended, { status: 137, signal: 9 });
    t.equal(stage.berth('rm', container.id).status, 0);
  });
});

/** The kernel's log tells of ten kills in five seconds at most, on the whole host: what it does not tell of is done again. */
async function witnessed<Outcome>(
  run: () => Promise<Outcome>,
  told: (outcome: Outcome) => boolean,
): Promise<Outcome> {
  for (const deadline = Date.now() + 60_000; ; await sleep(500)) {
    const outcome = await run();
    if (told(outcome) || Date.now() > deadline) return outcome;
  }
}
