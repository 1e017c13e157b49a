/** The part of JSON Schema (draft 2020-12) that configuration files are described with. What `description` says completes "it must be". */
export interface Schema {
  description: string;
  type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  minLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  enum?: readonly string[];
  const?: true;
  items?: Schema;
  minItems?: number;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: Schema | false;
  anyOf?: readonly Schema[];
}

export interface Misfit {
  /** Members and indices that lead there. */
  path: string;
  /** What it must be. */
  wanted: string;
}

/** Where a value does not fit, first; undefined: it does. */
export function misfit(schema: Schema, value: unknown, path = ''): Misfit | undefined {
  const here: Misfit = { path, wanted: schema.description };
  if (schema.anyOf !== undefined)
    return schema.anyOf.some((each) => misfit(each, value, path) === undefined) ? undefined : here;
  if (schema.const !== undefined) return value === schema.const ? undefined : here;
  switch (schema.type) {
    case 'string':
      return typeof value === 'string' && textFits(schema, value) ? undefined : here;
    case 'number':
    case 'integer':
      return typeof value === 'number' && numberFits(schema, value) ? undefined : here;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : here;
    case 'array':
      if (!Array.isArray(value) || value.length < (schema.minItems ?? 0)) return here;
      return first(value, (each, index) =>
        schema.items === undefined ? undefined : misfit(schema.items, each, `${path}[${index}]`),
      );
    case 'object':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return here;
      return objectMisfit(schema, value as Record<string, unknown>, path);
    default:
      return undefined;
  }
}

function textFits({ minLength = 0, pattern, enum: words }: Schema, value: string): boolean {
  if (value.length < minLength) return false;
  if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) return false;
  return words?.includes(value) ?? true;
}

function numberFits({ type, minimum, maximum }: Schema, value: number): boolean {
  if (!Number.isFinite(value) || (type === 'integer' && !Number.isInteger(value))) return false;
  return value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity);
}

function objectMisfit(schema: Schema, value: Record<string, unknown>, path: string): Misfit | undefined {
  const { properties = {}, required = [], additionalProperties } = schema;
  if (required.some((name) => !Object.hasOwn(value, name))) return { path, wanted: schema.description };
  return first(Object.entries(value), ([name, each]) => {
    const inner = path === '' ? name : `${path}.${name}`;
    const own = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (own !== false) return own === undefined ? undefined : misfit(own, each, inner);
    return { path: inner, wanted: `one of ${Object.keys(properties).join(', ')}` };
  });
}

function first<T>(
  all: readonly T[],
  look: (each: T, index: number) => Misfit | undefined,
): Misfit | undefined {
  for (const [index, each] of all.entries()) {
    const found = look(each, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

export const text: Schema = { type: 'string', description: 'a text' };
export const texts: Schema = { type: 'array', items: text, description: 'a list of texts' };
export const someTexts: Schema = { ...texts, minItems: 1, description: 'a list of one text or more' };
export const absolutePath: Schema = { type: 'string', pattern: '^/', description: 'an absolute path' };
export const absolutePaths: Schema = {
  type: 'array',
  items: absolutePath,
  description: 'a list of absolute paths',
};
export const truth: Schema = { type: 'boolean', description: 'true or false' };
export const oneOf = (...words: string[]): Schema => ({
  type: 'string',
  enum: words,
  description: words.join(' or '),
});
export const atLeast = (minimum: number): Schema => ({
  type: 'number',
  minimum,
  description: `a number from ${minimum} on`,
});
