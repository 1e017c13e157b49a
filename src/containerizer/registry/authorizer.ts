import { BerthError } from '../../errors/berth-error.js';
import { discard, readWhole } from './body.js';
import { type Challenge, challengesOf } from './challenge.js';
import type { Credentials } from './credentials.js';
import { type Endpoint, isUnverified } from './endpoint.js';
import { answerBytes } from './limits.js';
import { statusFailure } from './status-failure.js';
import type { Answer, Question, Transport } from './transport.js';
import { WrongContent } from './trouble.js';

interface Token {
  value: string;
  /** Milliseconds of the epoch. */
  until: number;
}

/** Of a token that does not say how long it lives (token specification: "expires_in"). */
const defaultLife = 60_000;
/** A token is asked for anew before it is quite at its end: clocks differ, and a request takes a while. */
const early = 10_000;

/** Who asks, for one registry: what is sent goes to that server, and to the token server that it names, alone. */
export class Authorizer {
  #challenge: Challenge | undefined;
  readonly #tokens = new Map<string, Token>();

  constructor(
    private readonly transport: Transport,
    /** The registry in words. */
    private readonly what: string,
    /** Undefined: nobody in particular. */
    private readonly credentials: () => Promise<Credentials | undefined>,
    private readonly endpoint: Endpoint,
  ) {}

  get asked(): boolean {
    return this.#challenge !== undefined;
  }

  /** The header for a request with these scopes; none as long as the registry has not asked. */
  async header(scopes: readonly string[]): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === 'basic') {
      const known = await this.credentials();
      return known === undefined || known.kind === 'token' ? undefined : basic(known.user, known.password);
    }
    const key = scopes.join(' ');
    const kept = this.#tokens.get(key);
    if (kept !== undefined && kept.until > Date.now()) return `Bearer ${kept.value}`;
    const fresh = await this.#ask(this.#challenge, scopes);
    this.#tokens.set(key, fresh);
    return `Bearer ${fresh.value}`;
  }

  /** Learns from a refusal by the registry itself. False: it asks for nothing that was not sent already. */
  async learn(answer: Answer, sent: string | undefined, scopes: readonly string[]): Promise<boolean> {
    const [challenge] = challengesOf(answer.headers['www-authenticate']);
    if (challenge === undefined) return false;
    if (challenge.scheme === 'bearer') this.#mustBeSafe(challenge.realm);
    const before = this.#challenge;
    this.#challenge = challenge;
    this.#tokens.delete(scopes.join(' '));
    if (challenge.scheme === 'basic') return sent === undefined && (await this.credentials()) !== undefined;
    return sent === undefined || before?.scheme === 'bearer';
  }

  /** Credentials go where the registry says; not in the open when the registry itself is asked under TLS. */
  #mustBeSafe(realm: string): void {
    const plain = new URL(this.endpoint.origin).protocol === 'http:';
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    if (url?.protocol === 'https:' || (url?.protocol === 'http:' && plain)) return;
    throw new BerthError('REGISTRY_FAILED', {
      what: this.what,
      why: `it sends credentials to ${JSON.stringify(realm)}, which is not under TLS`,
      mend: 'This is for who runs the registry to mend: its token realm must be an https URL.',
    });
  }

  async #ask(
    { realm, service }: Challenge & { scheme: 'bearer' },
    scopes: readonly string[],
  ): Promise<Token> {
    const known = await this.credentials();
    const url = new URL(realm);
    const asked = Date.now();
    let question: Question;
    if (known?.kind === 'token') {
      // OAuth2 of the token specification: the identity token is a refresh token.
      const form = new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: known.token,
        client_id: 'berth',
      });
      if (service !== undefined) form.set('service', service);
      if (scopes.length > 0) form.set('scope', scopes.join(' '));
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      question = { method: 'POST', url, headers, body: Buffer.from(form.toString()) };
    } else {
      if (service !== undefined) url.searchParams.set('service', service);
      for (const scope of scopes) url.searchParams.append('scope', scope);
      if (known !== undefined) url.searchParams.set('account', known.user);
      const headers = known === undefined ? {} : { authorization: basic(known.user, known.password) };
      question = { method: 'GET', url, headers };
    }
    const answer = await this.transport.send({ ...question, unverified: isUnverified(this.endpoint, url) });
    if (answer.status !== 200) throw await statusFailure(answer, this.what, this.transport.limits);
    return tokenOf(await readWhole(answer, answerBytes, this.transport.limits), asked);
  }

  async discard(answer: Answer): Promise<void> {
    await discard(answer, answerBytes, this.transport.limits);
  }
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function tokenOf(bytes: Buffer, asked: number): Token {
  let document: { token?: unknown; access_token?: unknown; expires_in?: unknown } | null;
  try {
    document = JSON.parse(bytes.toString()) as typeof document;
  } catch (cause) {
    throw new WrongContent('its token is not JSON', { cause });
  }
  const value = document?.token ?? document?.access_token;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) throw new WrongContent('it gives no token');
  const seconds = document?.expires_in;
  const life = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : defaultLife;
  return { value, until: asked + Math.max(life - early, life / 2) };
}
