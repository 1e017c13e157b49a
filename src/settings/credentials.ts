import type { Schema } from './schema.js';

const filled: Schema = { type: 'string', minLength: 1, description: 'a text that is not empty' };

const password: Schema = {
  type: 'object',
  properties: { principal: filled, secret: filled },
  required: ['principal', 'secret'],
  additionalProperties: false,
  description: '{"principal", "secret"}',
};

const token = (required: string[]): Schema => ({
  type: 'object',
  properties: { principal: filled, token: filled },
  required,
  additionalProperties: false,
  description: '{"principal", "token"}',
});

/** Who is let in. */
export const credentialsSchema: Schema = {
  type: 'array',
  items: {
    anyOf: [password, token(['principal', 'token'])],
    description: 'an object of principal, and secret or token',
  },
  description: 'a list of {"principal", "secret"} or {"principal", "token"}',
};

/** What lets oneself in elsewhere. */
export const credentialSchema: Schema = {
  anyOf: [password, token(['token'])],
  description: '{"principal", "secret"} or {"token"}',
};

export interface GivenCredential {
  principal: string;
  secret?: string;
  token?: string;
}

/** Apart, as they are looked for. */
export function sortCredentials(given: readonly GivenCredential[]): {
  passwords: { principal: string; secret: string }[];
  tokens: { principal: string; token: string }[];
} {
  return {
    passwords: given.flatMap(({ principal, secret }) =>
      secret === undefined ? [] : [{ principal, secret }],
    ),
    tokens: given.flatMap(({ principal, token }) => (token === undefined ? [] : [{ principal, token }])),
  };
}
