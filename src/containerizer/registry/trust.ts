import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { BerthError } from '../../errors/berth-error.js';

/** What the system trusts: Debian and its like, Fedora and its like. Node has a list of its own, which knows nothing of a company's CA. */
const systemBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt'];

/** Folders with one for each host and port (containers-certs.d(5), and Docker's own). */
const certificateFolders = ['/etc/containers/certs.d', '/etc/docker/certs.d'];

export interface TrustOptions {
  /** A folder with certificates for whatever host, before all others. */
  certificates?: string | undefined;
  environment: NodeJS.ProcessEnv;
}

/** Whom TLS believes, and what it shows of itself, host by host. */
export class Trust {
  readonly #contexts = new Map<string, SecureContext>();
  #system: (string | Buffer)[] | undefined;

  constructor(private readonly options: TrustOptions) {}

  contextFor(host: string): SecureContext {
    const known = this.#contexts.get(host);
    if (known !== undefined) return known;
    const folders = this.#foldersOf(host).map(readFolder);
    const own = folders.flatMap((folder) => folder.authorities);
    // The first folder that has one: two would be asked for in an order that nobody could tell.
    const client = folders.find((folder) => folder.client !== undefined)?.client;
    try {
      const context = createSecureContext({ ca: [...this.#systemRoots(), ...own], ...client });
      this.#contexts.set(host, context);
      return context;
    } catch (cause) {
      throw new BerthError('CREDENTIALS_INVALID', {
        what: `certificates for ${host}`,
        why: cause instanceof Error ? cause.message : String(cause),
        mend: `Look into ${this.#foldersOf(host).join(' and ')}: *.crt are CAs, NAME.cert and NAME.key a client's.`,
        cause,
      });
    }
  }

  #foldersOf(host: string): string[] {
    const { certificates } = this.options;
    return [
      ...(certificates === undefined ? [] : [certificates]),
      ...certificateFolders.map((folder) => path.join(folder, host)),
    ];
  }

  #systemRoots(): (string | Buffer)[] {
    if (this.#system !== undefined) return this.#system;
    const stated = this.options.environment.SSL_CERT_FILE;
    for (const file of stated === undefined || stated === '' ? systemBundles : [stated]) {
      const bundle = readIfThere(file);
      if (bundle === undefined) continue;
      this.#system = [bundle];
      return this.#system;
    }
    this.#system = [...rootCertificates];
    return this.#system;
  }
}

interface Folder {
  authorities: Buffer[];
  client: { cert: Buffer; key: Buffer } | undefined;
}

function readFolder(folder: string): Folder {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { authorities: [], client: undefined };
    throw error;
  }
  const read = (name: string) => readFileSync(path.join(folder, name));
  const authorities = names.filter((name) => name.endsWith('.crt')).map(read);
  for (const name of names.filter((each) => each.endsWith('.cert'))) {
    const key = name.replace(/\.cert$/, '.key');
    if (!names.includes(key)) {
      throw new BerthError('CREDENTIALS_INVALID', {
        what: path.join(folder, name),
        why: `a client's certificate needs its key, and there is no ${key}`,
        mend: 'CA certificates end in .crt, not .cert.',
      });
    }
    return { authorities, client: { cert: read(name), key: read(key) } };
  }
  return { authorities, client: undefined };
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
