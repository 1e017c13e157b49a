/** What was sent is no RecordIO, or too long for it. */
export class InvalidRecord extends Error {}

const lineFeed = 0x0a;
/** Digits of a length; a client that sends more will never come to an end. */
const mostDigits = 20;

/** One record as RecordIO frames it: decimal length in bytes, line feed, the bytes. */
export function frame(record: Uint8Array): Buffer {
  const length = Buffer.from(`${record.length}\n`, 'latin1');
  return Buffer.concat([length, record], length.length + record.length);
}

/** Takes a stream of RecordIO apart, whatever pieces it comes in. */
export class RecordReader {
  private readonly parts: Buffer[] = [];
  private held = 0;
  private digits = '';
  /** Bytes of the record under way; undefined: its length is being read. */
  private length: number | undefined;

  /** @param limit Bytes of the longest record. */
  constructor(private readonly limit: number) {}

  /** The records that this piece completes. Throws InvalidRecord, and is of no use after that. */
  push(piece: Buffer): Buffer[] {
    const records: Buffer[] = [];
    let at = 0;
    while (at < piece.length) {
      if (this.length === undefined) {
        at = this.readLength(piece, at);
        if (this.length !== 0) continue;
      }
      const wanted = (this.length ?? 0) - this.held;
      const part = piece.subarray(at, at + wanted);
      at += part.length;
      if (part.length < wanted) {
        // Copied: what is kept for long must not hold on to the socket's memory.
        this.parts.push(Buffer.from(part));
        this.held += part.length;
        break;
      }
      records.push(this.parts.length === 0 ? part : Buffer.concat([...this.parts, part]));
      this.parts.length = 0;
      this.held = 0;
      this.length = undefined;
    }
    return records;
  }

  /** Whether the stream may end here. */
  get atBoundary(): boolean {
    return this.length === undefined && this.digits === '';
  }

  /** Gives back where the length ends; `length` stays undefined while more digits may follow. */
  private readLength(piece: Buffer, from: number): number {
    const end = piece.indexOf(lineFeed, from);
    this.digits += piece.toString('latin1', from, end < 0 ? piece.length : end);
    if (this.digits.length > mostDigits || !/^\d*$/.test(this.digits))
      throw new InvalidRecord('the length of a record is not a decimal number');
    if (end < 0) return piece.length;
    if (this.digits === '') throw new InvalidRecord('a record has no length');
    const length = Number(this.digits);
    if (length > this.limit)
      throw new InvalidRecord(`a record has ${length} bytes, and ${this.limit} are the most`);
    this.digits = '';
    this.length = length;
    return end + 1;
  }
}
