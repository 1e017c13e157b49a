import { type Schema, texts, truth } from './schema.js';

/** Principal, then action, then `true` or what it may be done with. `*` is everybody who has no entry of their own. */
export type Permissions = Record<string, Record<string, boolean | string[]>>;

/** An action that is allowed or not. */
export const whole: Schema = truth;

/** One that may be allowed for some things alone: roles, users, types of calls. */
export const forSome = (of: string): Schema => ({
  anyOf: [truth, texts],
  description: `true, or a list of ${of}`,
});

/** What a configuration may say of the actions that a daemon knows. */
export function permissionsSchema(actions: Readonly<Record<string, Schema>>): Schema {
  return {
    type: 'object',
    additionalProperties: {
      type: 'object',
      properties: actions,
      additionalProperties: false,
      description: 'an object of actions',
    },
    description: 'an object of principals, each with an object of actions',
  };
}
