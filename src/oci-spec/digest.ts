import { createHash } from 'node:crypto';

/** `sha256:` and 64 lower-case hexadecimal digits (OCI image-spec, descriptor.md, "Digests"). */
export type Digest = `sha256:${string}`;

export const digestPattern = /^sha256:[a-f0-9]{64}$/;

export function isDigest(text: string): text is Digest {
  return digestPattern.test(text);
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** The hexadecimal digits alone. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** One chain id for each layer, lowest first (OCI image-spec, config.md, "Layer ChainID"). */
export function chainIds(diffIds: readonly string[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? (diffId as Digest) : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
