import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectFolder } from '../source-files.js';

/** Guests on one network, as `./dev cluster` makes them. */
export class Hosts {
  constructor(private readonly folder: string) {}

  /** Runs a verb of `./dev cluster`, however that ends. */
  attempt(words: string[]): SpawnSyncReturns<string> {
    return spawnSync(path.join(projectFolder, 'test/vm/cluster'), words, {
      encoding: 'utf8',
      env: { ...process.env, BERTH_CLUSTER: this.folder },
    });
  }

  /** Runs a verb of `./dev cluster`; throws with what it said when it fails. */
  cluster(...words: string[]): string {
    const done = this.attempt(words);
    if (done.status !== 0)
      throw new Error(`cluster ${words.join(' ')}: ${done.status}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  /** What a shell in guest `host` prints. */
  run(host: number, script: string): string {
    return this.cluster('run', String(host), '--', 'bash', '-c', script);
  }

  /** Starts a program in guest `host` that goes on; returns its pid. It appends what it says to `/var/tmp/NAME.log`. */
  start(host: number, name: string, command: string): number {
    return Number(
      this.run(host, `setsid ${command} >>/var/tmp/${name}.log 2>&1 </dev/null & echo $!`).trim(),
    );
  }

  /** Waits, some minutes: guests are slow. */
  async until<T>(what: string, look: () => T | undefined | false): Promise<T> {
    for (let tries = 0; tries < 150; tries += 1) {
      const seen = look();
      if (seen !== undefined && seen !== false) return seen;
      await sleep(2000);
    }
    throw new Error(`did not come about: ${what}`);
  }
}
