/** Who somebody is to a registry: a password, or an identity token that a login was answered with. */
export type Credentials =
  | { kind: 'password'; user: string; password: string }
  | { kind: 'token'; token: string };
