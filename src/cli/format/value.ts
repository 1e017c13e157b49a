/** As Go's templates judge: what is empty is false. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') return false;
  if (typeof value === 'object') return Object.keys(value).length > 0;
  return true;
}

/** As Go prints it. Text of containers and images may have control characters in it: but for tabs and newlines, which no terminal takes for orders, they are escaped. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '<no value>';
  if (Array.isArray(value)) return `[${value.map(shown).join(' ')}]`;
  if (typeof value === 'object')
    return `map[${Object.entries(value)
      .map(([key, each]) => `${escaped(key)}:${shown(each)}`)
      .join(' ')}]`;
  return typeof value === 'string' ? escaped(value) : String(value);
}

function escaped(text: string): string {
  return text.replace(
    /(?![\t\n])\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
