import { Command } from 'commander';
import t from 'tap';
import { containerOptions, declareRunFlags } from '../../src/cli/run-flags/index.js';
import { limitFlags } from '../../src/cli/run-flags/resources.js';

const MiB = 1 << 20;

/** What `run` makes of these flags. */
async function parsed(...words: string[]) {
  const command = new Command('run').exitOverride().configureOutput({ writeErr: () => {} });
  declareRunFlags(command);
  command.parse(words, { from: 'user' });
  return containerOptions(command.opts(), []);
}

t.test('flags of limits say what they mean', async (t) => {
  t.match(await parsed('--memory', '64m', '--memory-swap', '-1', '--memory-reservation', '1.5m'), {
    memory: 64 * MiB,
    memorySwap: -1,
    memoryReservation: 1.5 * MiB,
  });
  t.match(
    await parsed(
      '--memory-swappiness',
      '0',
      '--oom-kill-disable',
      '--oom-score-adj',
      '-5',
      '--pids-limit',
      '0',
    ),
    { memorySwappiness: 0, oomKillDisable: true, oomScoreAdj: -5, pidsLimit: -1 },
  );
  t.match(
    await parsed(
      '--cpu-shares',
      '512',
      '--cpu-quota',
      '-1',
      '--cpu-period',
      '1000',
      '--cpuset-cpus',
      '0',
      '--cpuset-mems',
      '0',
    ),
    { cpuShares: 512, cpuQuota: -1, cpuPeriod: 1000, cpusetCpus: '0', cpusetMems: '0' },
  );
  t.match(await parsed('--cpus', '1.5', '--blkio-weight', '10'), { cpus: 1.5, blkioWeight: 10 });
  t.strictSame(
    (await parsed('--cgroup-conf', 'memory.high=1', '--cgroup-conf', 'io.latency=8:0 target=5')).cgroupConf,
    { 'memory.high': '1', 'io.latency': '8:0 target=5' },
  );
  const plain = await parsed();
  for (const flag of limitFlags) t.notOk(flag.attributeName() in plain, `${flag.long} is not said`);
});

t.test('a value out of range is told with its flag and its range', async (t) => {
  const wrong: [words: string[], message: RegExp][] = [
    [['--memory', '1k'], /--memory <size>.*at least 4096 bytes/],
    [['--memory-swap', '-2'], /--memory-swap.*at least 4096/],
    [['--memory-swappiness', '101'], /--memory-swappiness.*0 to 100/],
    [['--cpus', '0'], /--cpus.*0\.01 or more/],
    [['--cpu-shares', '1'], /--cpu-shares.*2 to 262144/],
    [['--cpu-quota', '999'], /--cpu-quota.*1000 or more/],
    [['--cpu-period', '1000001'], /--cpu-period.*1000 to 1000000/],
    [['--pids-limit', 'x'], /--pids-limit.*number of processes/],
    [['--oom-score-adj', '1001'], /--oom-score-adj.*-1000 to 1000/],
    [['--blkio-weight', '9'], /--blkio-weight.*10 to 1000/],
    [['--io-max', '/dev/sda'], /--io-max.*DEVICE:KEY=RATE/],
    [['--io-max', '/dev/sda:bps=1'], /--io-max.*rbps and wbps/],
    [['--io-max', '8:0:rbps=fast'], /--io-max.*number of bytes/],
    [['--device-read-bps', '/dev/sda'], /--device-read-bps.*DEVICE:RATE/],
    [['--device-write-iops', '/dev/sda:1.5'], /--device-write-iops.*operations a second/],
    [['--cgroup-conf', 'memory/high=1'], /--cgroup-conf.*FILE=VALUE/],
  ];
  for (const [words, message] of wrong) await t.rejects(parsed(...words), { message }, words.join(' '));
});

t.test('what this host cannot be asked for is told before anything is made', async (t) => {
  const wrong: [words: string[], message: RegExp][] = [
    [['--memory-swap', '1g'], /^--memory-swap: /],
    [['--memory', '2m', '--memory-swap', '1m'], /^--memory-swap 1048576: .*--memory alone is 2097152$/],
    [['--memory', '1m', '--memory-reservation', '2m'], /^--memory-reservation 2097152: it is above --memory/],
    [['--cpus', '1', '--cpu-quota', '5000'], /^--cpus: /],
    [['--cpuset-cpus', '0-4095'], /^--cpuset-cpus 0-4095: \d+ is not one of the CPUs of this host: 0/],
    [['--cpuset-cpus', 'all'], /^--cpuset-cpus all: it is no list of numbers$/],
    [['--cpuset-mems', '77'], /^--cpuset-mems 77: 77 is not one of the memory nodes/],
    [['--io-max', '/dev/nonesuch:rbps=1'], /\/dev\/nonesuch: there is no such device$/],
    [['--device-read-bps', '/dev/null:1m'], /\/dev\/null: it is not a block device$/],
    [['--device-write-bps', '4095:1:1m'], /4095:1: this host has no block device 4095:1$/],
  ];
  for (const [words, message] of wrong) {
    await t.rejects(parsed(...words), { code: 'USAGE', exit: 125, message }, words.join(' '));
  }
});

t.test('as users of docker and podman shorten them', async (t) => {
  t.match(await parsed('-q', '-m', '64m', '-c', '512'), { memory: 64 * MiB, cpuShares: 512 });
  t.match(await parsed('--net', 'n', '--net-alias', 'a', '--dns-opt', 'ndots:2'), {
    network: 'n',
    networkAliases: ['a'],
    dnsOptions: ['ndots:2'],
  });
  t.match(await parsed('-P', '--expose', '80-81', '--expose', '53/udp'), {
    network: 'bridge',
    expose: [{ containerPort: 80 }, { containerPort: 81 }, { containerPort: 53, protocol: 'udp' }],
  });
  await t.rejects(parsed('--expose', '8080:80'), { message: /It is CONTAINER\[\/tcp\|udp\]/ });
  t.match(await parsed('--network', 'a', '--net', 'b'), { furtherNetworks: [{ network: 'b' }] });
});
