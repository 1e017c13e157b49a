import { Transform, type TransformCallback } from 'node:stream';

/** Lets so many bytes pass, and fails with the next. */
export class Meter extends Transform {
  private passed = 0;

  constructor(
    private readonly most: number,
    private readonly failure: () => Error,
  ) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.passed += chunk.length;
    if (this.passed > this.most) done(this.failure());
    else done(null, chunk);
  }
}
