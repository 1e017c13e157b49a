import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Where what it serves lies: in memory, so that no subject waits for its disk. */
const memory = '/dev/shm';

/** Debian's docker-registry on the loopback, with images to pull. */
export class BenchRegistry {
  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
    readonly host: string,
  ) {}

  /** Rejects where there is none. */
  static async open(): Promise<BenchRegistry> {
    const folder = mkdtempSync(path.join(memory, 'berth-bench-registry-'));
    const file = path.join(folder, 'config.yml');
    const config = {
      version: '0.1',
      // It tells its port in the log, at this level.
      log: { level: 'info', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: path.join(folder, 'storage') } },
      http: { addr: '127.0.0.1:0', secret: 'x' },
    };
    // YAML takes JSON.
    writeFileSync(file, JSON.stringify(config));
    const child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      return new BenchRegistry(folder, child, await hostOf(child));
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Puts the image of a layout there, and gives its name. */
  publish(layout: string, name: string): string {
    const image = `${this.host}/${name}:1`;
    const flags = ['--insecure-policy', 'copy', '--quiet', '--dest-tls-verify=false'];
    execFileSync('skopeo', [...flags, `oci:${layout}:latest`, `docker://${image}`], { stdio: 'ignore' });
    return image;
  }

  close(): void {
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function hostOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (part) => {
      said += String(part);
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port !== undefined) resolve(`127.0.0.1:${port}`);
    });
    child.once('error', reject);
    child.once('exit', (status) => reject(new Error(`docker-registry ended with ${status}`)));
  });
}
