import { randomBytes } from 'node:crypto';

/** What differs between two containers of the same command line. */
export type SlotName = 'id' | 'created_at' | 'first_id' | 'height' | 'width' | 'args' | ',args';

/** JSON text in pieces: what it says, then the name of what stands between that and the next piece, and so on. */
export type Template = string[];

/** What is written where another value will stand: a text that nobody can have guessed, and numbers that nothing here can come to. */
export class Marks {
  readonly #token = `slot-${randomBytes(16).toString('hex')}`;
  readonly #numbers = { first_id: -0.1234567, height: -0.2345678, width: -0.3456789 } as const;

  text(name: 'id' | 'created_at' | 'args'): string {
    return `${this.#token}-${name}`;
  }

  number(name: 'first_id' | 'height' | 'width'): number {
    return this.#numbers[name];
  }

  /** Takes apart a document that was described with these marks. */
  template(document: object): Template {
    const text = JSON.stringify(document, (_key, value: unknown) => {
      const found = Object.entries(this.#numbers).find(([, number]) => number === value);
      return found === undefined ? value : `${this.#token}-${found[0]}`;
    });
    // Numbers and arguments are whole values, and their quotes with them; further arguments follow a comma.
    const mark = new RegExp(
      `(,?)"${this.#token}-(args)"|"${this.#token}-(first_id|height|width)"|${this.#token}-(id|created_at)`,
      'g',
    );
    const pieces: Template = [];
    let from = 0;
    for (const match of text.matchAll(mark)) {
      const [whole, comma = '', args, number, word] = match;
      pieces.push(text.slice(from, match.index), args === undefined ? (number ?? word ?? '') : comma + args);
      from = match.index + whole.length;
    }
    return [...pieces, text.slice(from)];
  }
}

/** The document that a template comes to. native/front/template.cc does the same. */
export function fill(
  template: Template,
  values: Record<Exclude<SlotName, 'args' | ',args'>, string | number> & { args: readonly string[] },
): string {
  const words = values.args.map((word) => JSON.stringify(word));
  return template
    .map((piece, index) => {
      if (index % 2 === 0) return piece;
      if (piece === 'args') return words.join(',');
      if (piece === ',args') return words.map((word) => `,${word}`).join('');
      return String(values[piece as keyof typeof values]);
    })
    .join('');
}
