/** Looks for the keys by which somebody leaves among what is typed. They are kept back until it is certain what is meant. */
export class KeyWatch {
  private matched = 0;

  /** @param keys Those to be typed one after the other; none: there is no leaving. */
  constructor(private readonly keys: Buffer) {}

  /** What is to be passed on; `left`: all of the keys were typed, and what came after them is nobody's. */
  pass(typed: Buffer): { data: Buffer; left: boolean } {
    const { keys } = this;
    const out: number[] = [];
    for (const byte of typed) {
      if (keys.length > 0 && byte === keys[this.matched]) {
        this.matched++;
        if (this.matched === keys.length) return { data: Buffer.from(out), left: true };
        continue;
      }
      out.push(...keys.subarray(0, this.matched));
      this.matched = byte === keys[0] && keys.length > 1 ? 1 : 0;
      if (this.matched === 0) out.push(byte);
    }
    return { data: Buffer.from(out), left: false };
  }
}
