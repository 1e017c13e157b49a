import type { Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { type NamedImage, readNames } from '../image/names.js';
import type { RegistryOptions } from '../registry/session.js';
import type { Policy } from './document.js';
import { readPolicy } from './read.js';
import { requirementsFor, sourceOf } from './scope.js';
import { keptSignatures, type SignatureSource, type Signatures } from './signatures.js';
import type { Verdict } from './verify.js';

export interface PolicyOptions extends RegistryOptions {
  /** Whatever the policy says. */
  insecure?: boolean | undefined;
  /** Another policy.json, and another folder than registries.d. */
  policyFile?: string | undefined;
  registriesFolder?: string | undefined;
}

/** What the store keeps of an image that was let in. */
export interface Admission {
  source: string;
  signatures?: Partial<Signatures>;
}

/** The policy that counts, if it asks anything of an image from there. */
export function policyOn(source: string, { insecure, policyFile }: PolicyOptions): Policy | undefined {
  if (insecure === true) return undefined;
  const policy = readPolicy(policyFile);
  if (policy === undefined) return undefined;
  const asks = requirementsFor(policy, sourceOf(source)).some(
    ({ type }) => type !== 'insecureAcceptAnything',
  );
  return asks ? policy : undefined;
}

/** Lets an image in that comes from elsewhere, or fails with SIGNATURE_REFUSED. */
export async function admit(
  source: string,
  digests: readonly Digest[],
  signatures: () => SignatureSource | Promise<SignatureSource>,
  options: PolicyOptions,
  what: string,
): Promise<Admission> {
  const policy = policyOn(source, options);
  if (policy === undefined) return { source };
  const { judge } = await import('./verify.js');
  const found = await signatures();
  await judge(policy, { source: sourceOf(source), digests }, found, what);
  return { source, signatures: await found.fetched() };
}

/**
 * Judges an image of the store that is about to be run, by its digest and by what was kept of its signatures. One that has several names may be run if it was let in under one of
 * them; what was made on this host came from nowhere. True: the policy asked for something.
 */
export async function mayRun(
  roots: Roots,
  named: NamedImage,
  options: PolicyOptions,
  what: string,
): Promise<boolean> {
  const verdicts = await verdictsOn(roots, named, options, what);
  return verdicts !== undefined;
}

/** Undefined: the policy asks nothing of it. */
export async function verdictsOn(
  roots: Roots,
  named: NamedImage,
  options: PolicyOptions,
  what: string,
): Promise<Verdict[] | undefined> {
  const sources = named.source === undefined ? sourcesOf(roots, named.manifest_digest) : [named.source];
  const judged = sources.map((source) => ({ source, policy: policyOn(source, options) }));
  if (judged.length === 0 || judged.some(({ policy }) => policy === undefined)) return undefined;
  const { judge } = await import('./verify.js');
  const digests = [named.manifest_digest, ...(named.index_digest === undefined ? [] : [named.index_digest])];
  let failure: unknown;
  for (const { source, policy } of judged) {
    if (policy === undefined) continue;
    try {
      const kept = keptSignatures(roots, named.manifest_digest);
      return await judge(policy, { source: sourceOf(source), digests }, kept, what);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

function sourcesOf(roots: Roots, manifest: Digest): string[] {
  const found = Object.values(readNames(roots).images).filter((image) => image.manifest_digest === manifest);
  return [...new Set(found.flatMap(({ source }) => (source === undefined ? [] : [source])))];
}
