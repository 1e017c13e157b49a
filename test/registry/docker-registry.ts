import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';

export const person = { user: 'person', password: 'secret' };

/** A file that lets the person in: bcrypt at its lowest cost. */
export function htpasswd(folder: string): string {
  const file = path.join(folder, 'htpasswd');
  writeFileSync(file, 'person:$2y$04$kvBBQUx493nVaJHY08Vc9uIp8klp0sY4jbL3qAWnyg7I0LGeTF1Iy\n');
  return file;
}

export interface RegistryAsked {
  /** Members of the registry's own configuration, over what is usual. */
  auth?: Record<string, unknown>;
  tls?: { certificate: string; key: string; clientca?: string };
  /** Whether it takes manifests of schema 1, and makes them for clients that know nothing newer. */
  schema1?: boolean;
}

/** Debian's docker-registry on a port of the loopback, gone with the test. */
export class DockerRegistry {
  private constructor(
    readonly port: number,
    readonly storage: string,
    readonly process: ChildProcess,
  ) {}

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  static async start(
    t: Test,
    folder: string,
    { auth, tls, schema1 }: RegistryAsked = {},
  ): Promise<DockerRegistry> {
    mkdirSync(folder, { recursive: true });
    const storage = path.join(folder, 'storage');
    const { clientca, ...pair } = tls ?? {};
    const config = {
      version: '0.1',
      // It tells its port in the log, at this level.
      log: { level: 'info', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
      http: {
        addr: '127.0.0.1:0',
        secret: 'x',
        ...(tls === undefined
          ? {}
          : { tls: { ...pair, ...(clientca === undefined ? {} : { clientcas: [clientca] }) } }),
      },
      ...(auth === undefined ? {} : { auth }),
      ...(schema1 === true ? { compatibility: { schema1: { enabled: true } } } : {}),
    };
    const file = path.join(folder, 'config.yml');
    // YAML takes JSON.
    writeFileSync(file, JSON.stringify(config));
    const child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    t.teardown(() => child.kill('SIGKILL'));
    const port = await new Promise<number>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (part) => {
        said += String(part);
        const found = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
      child.on('error', reject);
      child.on('exit', (status) => reject(new Error(`docker-registry ended with ${status}: ${said}`)));
    });
    return new DockerRegistry(port, storage, child);
  }
}
