import { type SpawnSyncOptions, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { busyboxEntries } from '../fixtures/busybox-image.js';
import { auditLeaks } from '../leaks/audit.js';

/** As callers are given it. */
export const runtimeProgram = fileURLToPath(new URL('../../../bin/berth-runtime', import.meta.url));

/** The members of a config.json that tests change; all else is as `berth-runtime spec` writes it. */
export interface Config {
  [member: string]: unknown;
  process: Record<string, unknown> & { args: string[]; env: string[] };
  root: { path: string; readonly: boolean };
  mounts: { destination: string; type?: string; source?: string; options?: string[] }[];
  linux: Record<string, unknown> & { namespaces: { type: string; path?: string }[] };
}

/** A bundle with a busybox root file system and a root of berth-runtime of its own; gone after the test, which fails if it leaves anything. */
export class Bundle {
  readonly folder: string;
  readonly rootfs: string;
  readonly root: string;
  /** Of cgroups and containers, so that the audit knows them. */
  readonly tag: string;
  #made = 0;

  constructor(t: Test) {
    this.folder = mkdtempSync('/var/tmp/berth-bundle-');
    this.rootfs = path.join(this.folder, 'rootfs');
    this.root = path.join(this.folder, 'state');
    this.tag = path.basename(this.folder);
    t.teardown(() => rmSync(this.folder, { recursive: true, force: true }));
    auditLeaks(t, [this.root], (line) => line.includes(this.tag) && !line.includes('.seccomp'));
    t.teardown(() => this.clear());
    mkdirSync(this.root);
    mkdirSync(this.rootfs);
    for (const entry of busyboxEntries()) {
      const place = path.join(this.rootfs, entry.name);
      if (entry.type === 'symlink') symlinkSync(entry.link ?? '', place);
      else if (entry.name.endsWith('/')) mkdirSync(place);
      else writeFileSync(place, entry.content ?? '');
      if (entry.type !== 'symlink') chmodSync(place, entry.mode ?? 0o644);
    }
  }

  /** Writes config.json: the sample, changed. Its cgroup has the tag in its name. */
  write(change: (config: Config) => void = () => {}): this {
    rmSync(path.join(this.folder, 'config.json'), { force: true });
    this.command(['spec']);
    const config = JSON.parse(readFileSync(path.join(this.folder, 'config.json'), 'utf8')) as Config;
    config.root.readonly = false;
    config.linux.cgroupsPath = `/${this.tag}/${this.#made++}`;
    change(config);
    writeFileSync(path.join(this.folder, 'config.json'), JSON.stringify(config));
    return this;
  }

  /** `berth-runtime WORDS` in the bundle, to its end. */
  command(words: string[], options: SpawnSyncOptions = {}): SpawnSyncReturns<string> {
    return spawnSync(runtimeProgram, ['--root', this.root, ...words], {
      cwd: this.folder,
      timeout: 60_000,
      ...options,
      encoding: 'utf8',
    });
  }

  /** Runs `script` in a container with this config, and gives what it printed. */
  sh(script: string, change: (config: Config) => void = () => {}): SpawnSyncReturns<string> {
    this.write((config) => {
      config.process.args = ['sh', '-c', `exec 2>&1; ${script}`];
      change(config);
    });
    return this.command(['run', `c${this.#made}`]);
  }

  state(id: string): { status: string; pid?: number; [member: string]: unknown } {
    const { stdout, stderr } = this.command(['state', id]);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as { status: string };
  }

  /** Gives the root file system to other owners, as a caller with a user namespace does. */
  own(uid: number): void {
    for (const entry of ['', 'tmp', 'root']) chownSync(path.join(this.rootfs, entry), uid, uid);
  }

  /** What a failed test has left; and the parents of the cgroups, which are the caller's to remove. */
  private clear(): void {
    for (const id of this.command(['list', '--quiet']).stdout.split('\n'))
      if (id !== '') this.command(['delete', '--force', id]);
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').matchAll(/ (\/\S+) [^-]*- cgroup2? /g);
    for (const [, mount = ''] of mounts) {
      const words = ['-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'];
      spawnSync('find', [path.join(mount, this.tag), ...words]);
    }
  }
}
