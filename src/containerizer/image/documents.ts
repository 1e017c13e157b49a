import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { BerthError } from '../../errors/berth-error.js';
import { type Digest, digestOf } from '../../oci-spec/digest.js';
import { type Shape, ShapeError } from '../../oci-spec/shape.js';
import { documentBytes } from './limits.js';

/** Reads a small file whole, never waiting on a fifo in its place. Undefined when there is none. */
export function readDocument(file: string, what: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new BerthError('IMAGE_INVALID', { what, why: `${file} cannot be read (${code})`, cause: error });
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile())
      throw new BerthError('IMAGE_INVALID', { what, why: `${file} is not a regular file` });
    if (status.size > documentBytes) {
      throw new BerthError('IMAGE_HOSTILE', {
        what,
        why: `${file} has ${status.size} bytes, over the limit of ${documentBytes} for a document`,
      });
    }
    const bytes = Buffer.alloc(status.size);
    let length = 0;
    while (length < bytes.length) {
      const part = readSync(fd, bytes, length, bytes.length - length, length);
      if (part === 0) break;
      length += part;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** Checks content against its descriptor. */
export function verifyContent(
  bytes: Buffer,
  expected: { digest: Digest; size?: number },
  what: string,
): void {
  if (expected.size !== undefined && bytes.length !== expected.size) {
    throw new BerthError('IMAGE_CORRUPT', {
      what,
      why: `${expected.digest} should have ${expected.size} bytes and has ${bytes.length}`,
    });
  }
  const found = digestOf(bytes);
  if (found !== expected.digest) {
    throw new BerthError('IMAGE_CORRUPT', {
      what,
      why: `its digest should be ${expected.digest} and is ${found}`,
    });
  }
}

/** JSON of a known shape. `what` names the image, `part` the document in it. */
export function parseDocument<T>(bytes: Buffer, shape: Shape<T>, what: string, part: string): T {
  return shaped(parseJson(bytes, what, part), shape, what, part);
}

export function parseJson(bytes: Buffer, what: string, part: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new BerthError('IMAGE_INVALID', { what, why: `its ${part} is not JSON`, cause });
  }
}

export function shaped<T>(value: unknown, shape: Shape<T>, what: string, part: string): T {
  try {
    return shape(value, '');
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new BerthError('IMAGE_INVALID', { what, why: `in its ${part}, ${error.message}`, cause: error });
  }
}
