import type { IdentityRule } from './document.js';
import { repositoryOf } from './scope.js';

/** Does a signature that was made for `signed` count for the image that was asked for as `wanted`? Both are whole names; an image without a name fits only rules that state one. */
export function identityFits(rule: IdentityRule, signed: string, wanted: string | undefined): boolean {
  const claimed = whole(signed);
  if (rule.type === 'exactReference')
    return hasTagOrDigest(rule.reference) && claimed === whole(rule.reference);
  if (rule.type === 'exactRepository') return repositoryOf(claimed) === repositoryOf(whole(rule.repository));
  if (wanted === undefined) return false;
  if (rule.type === 'matchRepository') return repositoryOf(claimed) === repositoryOf(wanted);
  if (rule.type === 'matchExact') return hasTagOrDigest(wanted) && claimed === wanted;
  const expected = rule.type === 'remapIdentity' ? remapped(wanted, rule.prefix, rule.signedPrefix) : wanted;
  return expected.includes('@') ? repositoryOf(claimed) === repositoryOf(expected) : claimed === expected;
}

function remapped(reference: string, prefix: string, signedPrefix: string): string {
  const rest = reference.slice(prefix.length);
  const fits = reference.startsWith(prefix) && (rest === '' || /^[/:@]/.test(rest));
  // A bare host ends at a slash: what follows its colon would be another's port.
  return fits && (prefix.includes('/') || rest.startsWith('/')) ? signedPrefix + rest : reference;
}

function hasTagOrDigest(reference: string): boolean {
  return repositoryOf(reference) !== reference;
}

/** Signers may leave Docker Hub out (distribution/reference, "normalized"). */
function whole(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  if (hasHost) return reference.replace(/^index\.docker\.io\//, 'docker.io/');
  return `docker.io/${rest.length === 0 ? 'library/' : ''}${reference}`;
}
