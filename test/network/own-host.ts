import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { native } from '../../src/native/index.js';
import { unlessRoot } from '../container/stage.js';
import { until } from '../fixtures/until.js';

const mark = 'BERTH_TEST_NETWORK';

/**
 * Runs tests in a network namespace of their own, in a process of their own: there berth may do with the network what it likes, and the machine's own is never touched.
 */
export async function onOwnHost(
  url: string,
  tests: Record<string, (t: Test) => Promise<void>>,
): Promise<void> {
  if (process.env[mark] === undefined) {
    const env = { ...process.env, [mark]: '1' };
    const command = ['--net', process.execPath, fileURLToPath(url)];
    await t.test('networks', unlessRoot, (t) =>
      t.spawn(
        'unshare',
        command,
        { env, timeout: 1000 * Number(process.env.TAP_TIMEOUT ?? 110) },
        'on a host of its own',
      ),
    );
    return;
  }
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  const lack = lackOfNetworks();
  for (const [name, run] of Object.entries(tests))
    await t.test(name, lack === undefined ? {} : { skip: lack }, run);
}

/** What this kernel lacks for networks, as a reason to skip; undefined: nothing. */
function lackOfNetworks(): string | undefined {
  const probe = { bridge: 'berth-probe', internal: false };
  try {
    native().raiseNetwork({ ...probe, alias: 'probe', mac: '02:be:00:00:00:01', mtu: 1500, addresses: [] });
    return undefined;
  } catch (error) {
    return `bridges and nf_tables with NAT: ${(error as Error).message}`;
  } finally {
    native().lowerNetwork({ ...probe, last: true });
  }
}

/** Another host, on the same wire. */
export interface Outside {
  /** The addresses of this host, and of the other, on that wire. */
  here: { ipv4: string; ipv6: string };
  there: { ipv4: string; ipv6: string };
  /** Runs a program there; gives what it printed, or undefined when it failed. */
  run(...command: string[]): string | undefined;
  spawn(...command: string[]): ChildProcess;
}

export async function connectOutside(t: Test): Promise<Outside> {
  const child = spawn('unshare', ['--net', 'sleep', '1000'], { stdio: 'ignore' });
  t.teardown(async () => {
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await ended;
  });
  const pid = String(child.pid);
  const own = readlinkSync('/proc/self/ns/net');
  await until(() => readlinkSync(`/proc/${pid}/ns/net`) !== own);
  const enter = ['--target', pid, '--net'];
  const here = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' };
  const there = { ipv4: '192.0.2.2', ipv6: '2001:db8::2' };
  const ip = (...words: string[]) => execFileSync('ip', words);
  const ipThere = (...words: string[]) => execFileSync('nsenter', [...enter, 'ip', ...words]);
  ip('link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1');
  ip('link', 'set', 'wire1', 'netns', pid);
  ip('addr', 'add', `${here.ipv4}/24`, 'dev', 'wire0');
  ip('addr', 'add', `${here.ipv6}/64`, 'dev', 'wire0', 'nodad');
  ip('link', 'set', 'wire0', 'up');
  ipThere('addr', 'add', `${there.ipv4}/24`, 'dev', 'wire1');
  ipThere('addr', 'add', `${there.ipv6}/64`, 'dev', 'wire1', 'nodad');
  ipThere('link', 'set', 'lo', 'up');
  ipThere('link', 'set', 'wire1', 'up');
  return {
    here,
    there,
    run: (...command) => {
      const { status, stdout } = spawnSync('nsenter', [...enter, ...command], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      return status === 0 ? stdout : undefined;
    },
    spawn: (...command) => {
      const started = spawn('nsenter', [...enter, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
      t.teardown(() => void started.kill('SIGKILL'));
      return started;
    },
  };
}
