const esc = '\u001b';

/** Keys that terminals send as several bytes (ECMA-48, DEC VT220), by what follows the escape. */
const sequences: Record<string, Key> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  '[5~': 'page-up',
  '[6~': 'page-down',
  '[H': 'home',
  '[F': 'end',
  OH: 'home',
  OF: 'end',
  '[1~': 'home',
  '[4~': 'end',
  '[7~': 'home',
  '[8~': 'end',
};

const controls: Record<string, Key> = {
  '\r': 'enter',
  '\n': 'enter',
  '\b': 'backspace',
  '\u007f': 'backspace',
  '\u0003': 'interrupt',
  '\u001a': 'suspend',
  '\f': 'redraw',
};

/** A key by its name, or the character that it types. */
export type Key = string;

/** Takes apart what a terminal sends, wherever reads cut it. */
export class Keyboard {
  #rest = '';

  read(text: string): Key[] {
    const found: Key[] = [];
    let left = this.#rest + text;
    this.#rest = '';
    while (left !== '') {
      if (left.startsWith(esc)) {
        left = left.slice(esc.length);
        if (/^(\[[0-9;]*|O)?$/.test(left)) {
          this.#rest = esc + left;
          break;
        }
        const [sequence = ''] = /^(\[[0-9;]*[A-Za-z~]|O[A-Za-z])/.exec(left) ?? [];
        const key = sequences[sequence];
        if (key !== undefined) found.push(key);
        left = left.slice(sequence.length);
        continue;
      }
      const [character = ''] = left;
      found.push(controls[character] ?? character);
      left = left.slice(character.length);
    }
    return found;
  }
}
