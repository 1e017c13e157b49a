import { BerthError } from '../../errors/berth-error.js';
import type { Authorizer } from './authorizer.js';
import { readWhole } from './body.js';
import { type Endpoint, isUnverified } from './endpoint.js';
import { redirects } from './limits.js';
import { nextPlace } from './next-place.js';
import type { Retries } from './retry.js';
import { statusFailure } from './status-failure.js';
import type { Answer, Body, Transport } from './transport.js';
import { WrongContent } from './trouble.js';

export interface Ask {
  method?: string;
  /** Below `/v2/REPOSITORY/`, or a whole URL that the registry gave. */
  at: string | URL;
  headers?: Record<string, string>;
  body?: Body;
  /** Statuses that are answers. All others are failures. */
  expect: readonly number[];
  /** What is asked for, in words. */
  what: string;
}

/** One repository of one server: asks with the right credentials, follows redirects, and tries again what may succeed later. */
export class Repository {
  constructor(
    readonly endpoint: Endpoint,
    readonly transport: Transport,
    private readonly authorizer: Authorizer,
    private readonly scopes: readonly string[],
    readonly retries: Retries,
  ) {}

  /** The registry has asked who asks. */
  get asked(): boolean {
    return this.authorizer.asked;
  }

  /** Asks until there is an answer of an expected status. The body is the caller's to read. */
  ask(ask: Ask): Promise<Answer> {
    return this.retries.run(ask.what, () => this.askOnce(ask));
  }

  /** An answer and its whole body of at most `most` bytes; what breaks off is asked for again. */
  fetch(ask: Ask, most: number): Promise<{ answer: Answer; bytes: Buffer }> {
    return this.retries.run(ask.what, async () => {
      const answer = await this.askOnce(ask);
      try {
        return { answer, bytes: await readWhole(answer, most, this.transport.limits) };
      } catch (error) {
        if (!(error instanceof WrongContent)) throw error;
        throw new BerthError('IMAGE_HOSTILE', { what: ask.what, why: error.message, cause: error });
      }
    });
  }

  /** One attempt. Fails with `Transient` where another is worth it. */
  async askOnce(ask: Ask): Promise<Answer> {
    const answer = await this.#authorized(ask);
    if (ask.expect.includes(answer.status)) return answer;
    throw await statusFailure(answer, ask.what, this.transport.limits);
  }

  url(at: string | URL): URL {
    if (at instanceof URL) return at;
    const { origin, repository } = this.endpoint;
    return new URL(`/v2/${repository === '' ? '' : `${repository}/`}${at}`, origin);
  }

  async #authorized(ask: Ask): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const authorization = await this.authorizer.header(this.scopes);
      const answer = await this.#followed(ask, authorization);
      if (answer.status !== 401) return answer;
      if (answer.url.origin !== this.#origin) {
        // What another server says of where to send credentials counts for nothing.
        await this.authorizer.discard(answer);
        throw this.#failure(
          ask.what,
          `${answer.url.host}, where ${new URL(this.#origin).host} sends for it, refuses access (401)`,
        );
      }
      // Once for a challenge, once more for a token that has just expired.
      if (attempt > 2) return answer;
      if (!(await this.authorizer.learn(answer, authorization, this.scopes))) return answer;
      await this.authorizer.discard(answer);
    }
  }

  /** Follows redirects. What says who asks goes to the server that it is for, and nowhere else. */
  async #followed(ask: Ask, authorization: string | undefined): Promise<Answer> {
    let url = this.url(ask.at);
    for (let hops = 0; ; hops++) {
      const mayKnow = url.origin === this.#origin;
      const answer = await this.transport.send({
        method: ask.method ?? 'GET',
        url,
        headers: {
          ...ask.headers,
          ...(mayKnow && authorization !== undefined ? { authorization } : {}),
        },
        body: ask.body,
        unverified: isUnverified(this.endpoint, url),
      });
      const { location } = answer.headers;
      const moved = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
      if (!moved || ask.expect.includes(answer.status)) return answer;
      await this.authorizer.discard(answer);
      if (hops >= redirects)
        throw this.#failure(ask.what, `${url.host} redirects more than ${redirects} times`);
      url = nextPlace(url, location, ask.what);
    }
  }

  get #origin(): string {
    return new URL(this.endpoint.origin).origin;
  }

  #failure(what: string, why: string): BerthError {
    return new BerthError('REGISTRY_FAILED', { what, why });
  }
}
