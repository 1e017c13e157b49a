/** What a listing is narrowed by, as Docker has it: several values for a key. */
export type Filters<Key extends string> = Partial<Record<Key, string[]>>;

/** Of several values for one key any will do, of labels all must fit, and every key must. */
export function passes<Key extends string>(
  filters: Filters<Key>,
  fits: (key: Key, value: string) => boolean,
): boolean {
  return (Object.entries(filters) as [Key, string[]][]).every(([key, values]) => {
    const one = (value: string) => fits(key, value);
    return key === 'label' ? values.every(one) : values.some(one);
  });
}

/** `KEY`, or `KEY=VALUE`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const [key = '', ...rest] = wanted.split('=');
  return Object.hasOwn(labels, key) && (rest.length === 0 || labels[key] === rest.join('='));
}
