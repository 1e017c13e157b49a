import { type ErrorCode, errorTable } from './table.js';

/** What a person needs to know of a failure: what was being dealt with, why it failed, how to mend it. */
export interface Failure {
  /** The thing or deed, e.g. `image oci:/x:latest`. */
  what: string;
  /** The reason, as one clause with no full stop. */
  why: string;
  /** One sentence on how to mend it. */
  mend?: string;
  cause?: unknown;
}

/** The only error type that berth throws on purpose. `message` is `WHAT: WHY` on one line. */
export class BerthError extends Error {
  override readonly name = 'BerthError';
  readonly code: ErrorCode;
  readonly what: string;
  readonly why: string;
  readonly mend: string | undefined;

  constructor(code: ErrorCode, failure: Failure) {
    super(oneLine(`${failure.what}: ${failure.why}`), { cause: failure.cause });
    this.code = code;
    this.what = failure.what;
    this.why = failure.why;
    this.mend = failure.mend === undefined ? undefined : oneLine(failure.mend);
  }

  /** The status a command ends with because of this error. */
  get exit(): number {
    return errorTable[this.code].exit;
  }

  /** A further failure while cleaning up after this one; both are told. */
  alsoFailed(cleanup: unknown): BerthError {
    const reason = cleanup instanceof Error ? cleanup.message : String(cleanup);
    return new BerthError(this.code, {
      what: this.what,
      why: `${this.why} (and cleaning up failed: ${reason})`,
      ...(this.mend === undefined ? {} : { mend: this.mend }),
      cause: this,
    });
  }
}

/** Text from images and callers may hold anything: control characters never reach a terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
