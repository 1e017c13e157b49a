import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { BerthError } from '../errors/berth-error.js';

/** Exists while systemd runs this host (sd_booted(3)). */
const booted = '/run/systemd/system';

interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** Asks systemd. None of its words depends on the caller's language. */
function run(file: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      SYSTEMD_PAGER: '',
      SYSTEMD_COLORS: '0',
    };
    execFile(file, args, { env, maxBuffer: 4 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve({ status: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ status: error.code, stdout, stderr });
      else reject(new BerthError('HOST_LACKS', { what: file, why: error.message, cause: error }));
    });
  });
}

export const hasSystemd = () => existsSync(booted);

/** Throws where there is no systemd to ask. `instead`: how it is done without. */
export function needSystemd(what: string, instead: string): void {
  if (hasSystemd()) return;
  throw new BerthError('HOST_LACKS', { what, why: 'systemd does not run this host', mend: instead });
}

/** Throws with what systemctl says. */
export async function systemctl(...args: string[]): Promise<void> {
  const { status, stderr } = await run('systemctl', args);
  if (status === 0) return;
  const [why = `it ended with status ${status}`] = stderr.split('\n').filter((line) => line !== '');
  throw new BerthError('SERVICE_FAILED', { what: `systemctl ${args.join(' ')}`, why });
}

export interface UnitState {
  /** `loaded`, `not-found`, `masked`… */
  load: string;
  /** `active`, `activating`, `failed`, `inactive`… */
  active: string;
  sub: string;
  enabled: string;
  pid: number | null;
  /** Bytes of its cgroup; null: systemd does not count them. */
  memory: number | null;
  restarts: number;
  /** Its file has changed since systemd read it. */
  stale: boolean;
}

export async function unitState(unit: string): Promise<UnitState> {
  const names = [
    ...['LoadState', 'ActiveState', 'SubState', 'UnitFileState', 'MainPID', 'MemoryCurrent', 'NRestarts'],
    'NeedDaemonReload',
  ];
  const { stdout } = await run('systemctl', ['show', unit, ...names.map((name) => `--property=${name}`)]);
  const values = new Map(
    stdout.split('\n').map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  const text = (name: string) => values.get(name) ?? '';
  const count = (name: string) => (/^\d{1,15}$/.test(text(name)) ? Number(text(name)) : null);
  return {
    load: text('LoadState'),
    active: text('ActiveState'),
    sub: text('SubState'),
    enabled: text('UnitFileState'),
    pid: count('MainPID') || null,
    memory: count('MemoryCurrent'),
    restarts: count('NRestarts') ?? 0,
    stale: text('NeedDaemonReload') === 'yes',
  };
}

/** What it wrote since it was started last, the end of it. */
export async function journalOf(unit: string, lines: number): Promise<string[]> {
  const { stdout } = await run('journalctl', [
    ...['--unit', unit, '--lines', String(lines), '--output', 'cat', '--no-pager', '--quiet'],
  ]);
  return stdout.split('\n').filter((line) => line !== '');
}
