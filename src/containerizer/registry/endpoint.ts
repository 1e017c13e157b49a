/** A server that answers for a registry, the registry itself or a mirror of it. */
export interface Endpoint {
  /** `http` or `https`, and the host. */
  origin: string;
  repository: string;
  /** Under https: whoever answers is believed. */
  unverified: boolean;
}

/** May anybody answer at this URL? At the endpoint itself alone, never where it sends to. */
export function isUnverified({ origin, unverified }: Endpoint, url: URL): boolean {
  return unverified && url.host === new URL(origin).host;
}
