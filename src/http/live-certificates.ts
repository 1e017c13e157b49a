import { statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { BerthError } from '../errors/berth-error.js';
import type { Door } from '../settings/door.js';
import { type Certificates, expiry, readCertificates } from './certificates.js';

type Files = Pick<Door, 'tlsCert' | 'tlsKey' | 'tlsCa'>;

/** Milliseconds between looks at the files. */
const interval = 30_000;

/**
 * The certificates of a daemon, which are exchanged while it runs: connections from then on have the new ones. What cannot be used leaves those that there are, and is said.
 */
export class LiveCertificates {
  private certificates: Certificates;
  private readonly followers: ((now: Certificates) => void)[] = [];
  /** Of the files: as they were when they were last read, and when they were last looked at. */
  private read: string;
  private seen: string;
  private timer: NodeJS.Timeout | undefined;

  /** Throws CREDENTIALS_INVALID. */
  constructor(
    private readonly files: Files,
    private readonly note: (text: string) => void,
  ) {
    this.read = this.look();
    this.seen = this.read;
    this.certificates = usable(files);
    this.warn();
  }

  get current(): Certificates {
    return this.certificates;
  }

  follow(call: (now: Certificates) => void): void {
    this.followers.push(call);
  }

  /** Looks for new ones by itself until `close`, and keeps no process alive. */
  watch(): void {
    if (Object.values(this.files).some((file) => file !== ''))
      this.timer = setInterval(() => this.glance(), interval).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  /** Reads them again if they have changed, but not before they have stayed as they are for a while: a certificate and its key are two files, and one comes first. */
  glance(): void {
    const now = this.look();
    if (now !== this.read && now === this.seen) this.renew();
    this.seen = now;
  }

  /** Reads them again now. */
  renew(): void {
    this.read = this.look();
    let found: Certificates;
    try {
      found = usable(this.files);
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      this.note(`its certificates stay those that it has: ${error.message}`);
      return;
    }
    if (isDeepStrictEqual(found, this.certificates)) return;
    this.certificates = found;
    for (const call of this.followers) call(found);
    this.note('new certificates');
    this.warn();
  }

  private warn(): void {
    const warning = expiry(this.certificates.cert);
    if (warning !== undefined) this.note(warning);
  }

  private look(): string {
    const { tlsCert, tlsKey, tlsCa } = this.files;
    return [tlsCert, tlsKey, tlsCa].map(stampOf).join(' ');
  }
}

/** What tells whether a file is the same: which one it is, of when, and how long. Its mode counts too: a key that others could read is refused until they cannot. */
function stampOf(file: string): string {
  if (file === '') return '';
  try {
    const { dev, ino, mtimeMs, ctimeMs, size } = statSync(file);
    return `${dev}:${ino}:${mtimeMs}:${ctimeMs}:${size}`;
  } catch (error) {
    // Whoever reads it says why it cannot be.
    return (error as NodeJS.ErrnoException).code ?? '';
  }
}

/** Such as OpenSSL takes as well: it refuses keys that are too short, for one. */
function usable(files: Files): Certificates {
  const found = readCertificates(files);
  try {
    createSecureContext(found);
  } catch (error) {
    const what = files.tlsCert === '' ? files.tlsCa : files.tlsCert;
    throw new BerthError('CREDENTIALS_INVALID', {
      what,
      why: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
  return found;
}
