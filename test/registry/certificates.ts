import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** A CA of the test's own, and what it signs: PEM files in one folder. */
export class Certificates {
  readonly authority: string;

  constructor(private readonly folder: string) {
    this.authority = path.join(folder, 'ca.crt');
    this.#openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
      '-subj', '/CN=a CA of a test', '-keyout', path.join(folder, 'ca.key'), '-out', this.authority); // biome-ignore format: one command
  }

  /** For a server on the loopback, or for a client. `days`: how long it is valid, negative where it is not any more. `names`: in place of the loopback's. */
  issue(
    name: string,
    hosts: readonly string[] = [],
    { days = 2, names: others }: { days?: number; names?: string[] } = {},
  ): { certificate: string; key: string } {
    const file = (ending: string) => path.join(this.folder, `${name}.${ending}`);
    const names = others ?? ['IP:127.0.0.1', 'DNS:localhost', ...hosts.map((host) => `DNS:${host}`)];
    writeFileSync(file('ext'), `subjectAltName=${names.join(',')}\n`);
    this.#openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`,
      '-keyout', file('key'), '-out', file('csr')); // biome-ignore format: one command
    this.#openssl('x509', '-req', '-in', file('csr'), '-CA', this.authority, '-CAkey', path.join(this.folder, 'ca.key'),
      '-CAcreateserial', '-days', String(days), '-extfile', file('ext'), '-out', file('pem')); // biome-ignore format: one command
    return { certificate: file('pem'), key: file('key') };
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
