/** Why nobody answers at an address, in words, by the code of the failed call (connect(2), getaddrinfo(3)). */
export const noConnection: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name has no address',
  EAI_AGAIN: 'its name cannot be looked up: the name server does not answer',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  EADDRNOTAVAIL: 'there is no way to it',
};

/** The same of any failure of a connection: what there are no words for tells its own. */
export function connectionTrouble(error: unknown): string {
  const { code = '', message = String(error) } = (error ?? {}) as { code?: string; message?: string };
  return noConnection[code] ?? message;
}
