/** How a native call fails. `code` is the errno's name (`ENOENT`) or a word of the facility's own (`BAD_TAR`). */
export interface NativeError extends Error {
  name: 'NativeError';
  code: string;
  /** errno(3); 0 where no system call is to blame. */
  errno: number;
  syscall?: string;
  path?: string;
  /** What was being done, in words. */
  step?: string;
  /** Why content from outside was refused, as one clause. */
  reason?: string;
  /** How to mend it. */
  hint?: string;
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && error.name === 'NativeError';
}
