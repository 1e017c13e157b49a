import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { installationFolder } from '../../src/installation.js';
import { type LaunchRequest, native } from '../../src/native/index.js';
import type { RuntimeConfig } from '../../src/oci-spec/runtime.js';
import type { Stage } from '../container/stage.js';
import { entriesBelow } from '../fixtures/entries-below.js';

/** What every attack has: an installation, a program of its own for what a shell cannot do, and something of the host's that must stay as it is. */
export class Scene {
  /** A folder of the host, new for each attempt: `secret`, `file` and the folder `deep`. */
  canary = '';
  /** What stands in `secret`. */
  readonly secret = 'only for the host';
  private made = 0;
  private before = '';

  /** A static build of attacker.c. */
  private readonly binary = path.join(installationFolder, 'build/test/attacker');

  constructor(readonly stage: Stage) {}

  /** Before each attempt. */
  begin(): void {
    this.canary = this.fresh('canary');
    mkdirSync(path.join(this.canary, 'deep'));
    for (const name of ['secret', 'file']) writeFileSync(path.join(this.canary, name), this.secret);
    this.settle();
  }

  /** As the canary stands now, it must stay. */
  settle(): void {
    this.before = fingerprint(this.canary);
  }

  /** What an attempt has changed in the canary; undefined: nothing. */
  damage(): string | undefined {
    const after = fingerprint(this.canary);
    return after === this.before ? undefined : `the host's folder was\n${this.before}and is\n${after}`;
  }

  /** A new folder on the host. */
  fresh(name: string): string {
    const folder = path.join(this.stage.folder, `${name}-${this.made++}`);
    mkdirSync(folder);
    return folder;
  }

  /** An image with the attacker's program as /bin/attacker; `mode` for a set-id one. */
  attackersImage(mode = 0o755) {
    return this.stage.makeImage([{ name: 'bin/attacker', content: readFileSync(this.binary), mode }]);
  }

  /** What the attacker's program prints on the host itself; empty too if a signal ends it. */
  here(what: string): string {
    return spawnSync(this.binary, [what], { encoding: 'utf8' }).stdout;
  }

  /** Lets a bundle have a config.json that berth itself would not write. */
  async withConfig<T>(change: (config: RuntimeConfig) => void, action: () => Promise<T>): Promise<T> {
    const addon = native();
    const { launch } = addon;
    addon.launch = ({ config: start, seccomp = '', configEnd = '', ...request }: LaunchRequest) => {
      const config = JSON.parse(start + seccomp + configEnd) as RuntimeConfig;
      change(config);
      return launch({ ...request, config: JSON.stringify(config) });
    };
    try {
      return await action();
    } finally {
      addon.launch = launch;
    }
  }
}

/** Every name, owner, mode, link count and byte below a folder. */
function fingerprint(folder: string): string {
  const lines = entriesBelow(folder).map((entry) => {
    const place = path.join(entry.parentPath, entry.name);
    const { mode, uid, gid, nlink } = lstatSync(place);
    const content = entry.isFile() ? readFileSync(place, 'utf8') : '';
    return `${path.relative(folder, place)} ${mode.toString(8)} ${uid}:${gid} ${nlink} ${content}\n`;
  });
  return lines.sort().join('');
}
