import type { Schema } from './schema.js';

/** One member of a daemon's configuration: its file, its environment, its documentation and its sample all come from here. */
export interface Setting<Config> {
  /** As the file has it. In the environment it has the daemon's prefix, in capitals. */
  name: string;
  schema: Schema;
  /** One sentence for people, without its full stop. */
  about: string;
  /** What the sample shows: the default, or an example where there is none. */
  shown: unknown;
  /** What holds without it, where that is not what is shown. */
  otherwise?: string;
  /** The flag that goes before it. */
  flag?: string;
  /** It must be in nobody else's reach: in the file alone, whose mode is looked at. */
  secret?: boolean;
  /** What it comes to, of a value that fits its schema. */
  take(value: unknown): Partial<Config>;
}

/** The configuration of one daemon. */
export interface Settings<Config> {
  /** `agent`. */
  daemon: string;
  /** Of variables in the environment: `BERTH_AGENT_`. */
  prefix: string;
  /** Variables with that prefix that are for others. */
  foreign: readonly string[];
  members: readonly Setting<Config>[];
}

/** A member that is kept as it is. */
export function as<Config>(key: keyof Config): (value: unknown) => Partial<Config> {
  return (value) => ({ [key]: value }) as Partial<Config>;
}

export const variableOf = <Config>({ prefix }: Settings<Config>, { name }: Setting<Config>) =>
  `${prefix}${name.toUpperCase()}`;

/** The JSON Schema of its file. */
export function fileSchema<Config>({ daemon, members }: Settings<Config>): Schema & Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Configuration of berth ${daemon}`,
    description: 'an object',
    type: 'object',
    properties: {
      $schema: { type: 'string', description: 'a text' },
      ...Object.fromEntries(
        members.map(({ name, schema, about }) => [name, { title: about, ...schema }] as const),
      ),
    },
    additionalProperties: false,
  };
}
