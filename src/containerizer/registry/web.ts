import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../../errors/berth-error.js';
import { chunksOf, discard, readWhole } from './body.js';
import { answerBytes, defaultTransferLimits, redirects } from './limits.js';
import { nextPlace } from './next-place.js';
import { Retries } from './retry.js';
import type { RegistryOptions } from './session.js';
import { statusFailure } from './status-failure.js';
import { type Answer, Transport } from './transport.js';
import { WrongContent } from './trouble.js';
import { Trust } from './trust.js';

/** Documents and files of plain web servers, by the same rules as those of registries: certificates, proxies, patience, redirects that never lead to plain HTTP. */
export class Web {
  readonly #abort = new AbortController();
  readonly #transport: Transport;
  readonly #retries: Retries;
  readonly #unverified: boolean;

  constructor(options: RegistryOptions) {
    const environment = options.environment ?? process.env;
    const limits = { ...defaultTransferLimits, ...options.limits };
    this.#unverified = options.tlsVerify === false;
    this.#transport = new Transport(
      new Trust({ certificates: options.certificates, environment }),
      environment,
      limits,
      this.#abort.signal,
    );
    this.#retries = new Retries(limits, this.#abort.signal, options.onRetry ?? (() => {}));
  }

  close(): void {
    this.#transport.close();
  }

  /** A document of at most `most` bytes; undefined: the server says that there is none (4xx). */
  document(url: URL, most: number, what: string): Promise<Buffer | undefined> {
    return this.#retries.run(what, async () => {
      const answer = await this.#answer(url, what);
      if (answer === undefined) return undefined;
      try {
        return await readWhole(answer, most, this.#transport.limits);
      } catch (error) {
        throw tooMuch(error, answer, what);
      }
    });
  }

  /** Writes what is there to a new file, at most `most` bytes of it. False: there is none. `announced` is told how much is to come, and may refuse it. */
  download(
    url: URL,
    file: string,
    most: number,
    what: string,
    announced: (bytes: number) => Promise<void> = async () => {},
  ): Promise<boolean> {
    return this.#retries.run(what, async () => {
      const answer = await this.#answer(url, what);
      if (answer === undefined) return false;
      try {
        await announced(Number(answer.headers['content-length'] ?? 0));
        await pipeline(
          Readable.from(this.#bounded(answer, most)),
          createWriteStream(file, { flags: 'w', mode: 0o600 }),
        );
        return true;
      } catch (error) {
        answer.body.destroy();
        throw tooMuch(error, answer, what);
      }
    });
  }

  async *#bounded(answer: Answer, most: number): AsyncGenerator<Buffer> {
    const stated = answer.headers['content-length'];
    let size = 0;
    for await (const chunks of chunksOf(answer, this.#transport.limits)) {
      for (const chunk of chunks) {
        size += chunk.length;
        if (size > most) throw new WrongContent(`it has more than ${most} bytes`);
        yield chunk;
      }
    }
    if (stated !== undefined && Number(stated) !== size)
      throw new WrongContent(`${size} bytes came of ${stated}`);
  }

  async #answer(url: URL, what: string): Promise<Answer | undefined> {
    let at = url;
    for (let hops = 0; ; hops++) {
      const answer = await this.#transport.send({
        method: 'GET',
        url: at,
        unverified: this.#unverified && at.host === url.host,
      });
      const { status, headers } = answer;
      if (status === 200) return answer;
      const moved = [301, 302, 303, 307, 308].includes(status) && headers.location !== undefined;
      if (!moved) {
        if (status < 400 || status >= 500 || status === 401 || status === 403 || status === 429)
          throw await statusFailure(answer, what, this.#transport.limits);
        await discard(answer, answerBytes, this.#transport.limits);
        return undefined;
      }
      await discard(answer, answerBytes, this.#transport.limits);
      if (hops >= redirects) {
        throw new BerthError('REGISTRY_FAILED', {
          what,
          why: `${at.host} redirects more than ${redirects} times`,
        });
      }
      at = nextPlace(at, headers.location ?? '', what);
    }
  }
}

function tooMuch(error: unknown, { url }: Answer, what: string): unknown {
  if (!(error instanceof WrongContent)) return error;
  return new BerthError('IMAGE_HOSTILE', { what, why: `${url.host}: ${error.message}`, cause: error });
}
