import { Authorizer } from './authorizer.js';
import { findCredentials } from './credential-store.js';
import type { Credentials } from './credentials.js';
import type { Endpoint } from './endpoint.js';
import { defaultTransferLimits, type TransferLimits } from './limits.js';
import { hostOf, isLoopback, type Location } from './location.js';
import { type Candidate, Registries } from './registries.js';
import { Repository } from './repository.js';
import { type OnRetry, Retries } from './retry.js';
import { schemeOf } from './scheme.js';
import { Transport } from './transport.js';
import { Trust } from './trust.js';

export interface RegistryOptions {
  /** False: whoever answers is believed, and may speak plain HTTP. True: not even this host may. Undefined: as registries.conf has it. */
  tlsVerify?: boolean | undefined;
  /** A file with credentials, and a folder with certificates, instead of the usual places. */
  authFile?: string | undefined;
  certificates?: string | undefined;
  /** Who asks, instead of what files and helpers have. */
  credentials?: Credentials | undefined;
  limits?: Partial<TransferLimits> | undefined;
  onRetry?: OnRetry | undefined;
  environment?: NodeJS.ProcessEnv | undefined;
}

/** One pull, push or login: connections, credentials and waits that belong together. */
export class RegistrySession {
  readonly #abort = new AbortController();
  readonly #transport: Transport;
  readonly #retries: Retries;
  readonly #authorizers = new Map<string, Authorizer>();
  readonly #schemes = new Map<string, Promise<'https' | 'http'>>();

  private constructor(
    private readonly options: RegistryOptions,
    readonly registries: Registries,
  ) {
    const environment = options.environment ?? process.env;
    const limits = { ...defaultTransferLimits, ...options.limits };
    const trust = new Trust({ certificates: options.certificates, environment });
    this.#transport = new Transport(trust, environment, limits, this.#abort.signal);
    this.#retries = new Retries(limits, this.#abort.signal, options.onRetry ?? (() => {}));
  }

  static async open(options: RegistryOptions): Promise<RegistrySession> {
    return new RegistrySession(options, await Registries.read(options.environment ?? process.env));
  }

  get limits(): TransferLimits {
    return this.#transport.limits;
  }

  /** Ends every transfer that is under way with this reason. */
  abort(reason: Error): void {
    this.#abort.abort(reason);
  }

  close(): void {
    this.#transport.close();
  }

  /** The servers that may have something of a location, in the order to ask them: mirrors, then the registry itself. */
  candidates(location: Location, byDigest: boolean): Candidate[] {
    return this.registries.candidates(location, byDigest);
  }

  /** A repository on one server. `more`: further scopes of the token. */
  async repository(
    candidate: Candidate,
    actions: 'pull' | 'pull,push',
    more: readonly string[] = [],
  ): Promise<Repository> {
    const { location } = candidate;
    const host = hostOf(location.registry);
    const insecure = this.options.tlsVerify === undefined ? candidate.insecure : !this.options.tlsVerify;
    const mayBePlain = insecure || (this.options.tlsVerify === undefined && isLoopback(host));
    const scheme = mayBePlain ? await this.#scheme(host, insecure) : 'https';
    const endpoint: Endpoint = {
      origin: `${scheme}://${host}`,
      repository: location.repository,
      unverified: insecure,
    };
    const scopes =
      location.repository === '' ? [] : [`repository:${location.repository}:${actions}`, ...more];
    return new Repository(
      endpoint,
      this.#transport,
      this.#authorizer(location, endpoint),
      scopes,
      this.#retries,
    );
  }

  #scheme(host: string, unverified: boolean): Promise<'https' | 'http'> {
    const known = this.#schemes.get(host) ?? schemeOf(this.#transport, host, unverified);
    this.#schemes.set(host, known);
    return known;
  }

  #authorizer(location: Location, endpoint: Endpoint): Authorizer {
    const { registry, repository } = location;
    // Accounts may differ from one repository to the next (containers-auth.json(5)).
    const key = `${endpoint.origin} ${repository}`;
    const known = this.#authorizers.get(key);
    if (known !== undefined) return known;
    let found: Promise<Credentials | undefined> | undefined;
    const credentials = () => {
      found ??=
        this.options.credentials === undefined
          ? findCredentials(location, this.options)
          : Promise.resolve(this.options.credentials);
      return found;
    };
    const authorizer = new Authorizer(this.#transport, `registry ${registry}`, credentials, endpoint);
    this.#authorizers.set(key, authorizer);
    return authorizer;
  }
}
