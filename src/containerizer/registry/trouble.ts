/** What may be gone at the next attempt. `after`: milliseconds that the registry asks to wait. */
export class Transient extends Error {
  override readonly name = 'Transient';
  constructor(
    /** One clause. */
    readonly reason: string,
    options: { cause?: unknown; after?: number | undefined; limited?: boolean } = {},
  ) {
    super(reason, { cause: options.cause });
    this.after = options.after;
    this.limited = options.limited === true;
  }
  readonly after: number | undefined;
  /** The registry says that it is asked too often. */
  readonly limited: boolean;
}

/** Bytes that are not those of the digest, or more or fewer than stated. */
export class WrongContent extends Error {
  override readonly name = 'WrongContent';
}
