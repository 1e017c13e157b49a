import type { Digest } from '../../oci-spec/digest.js';
import { discard } from './body.js';
import { answerBytes } from './limits.js';
import type { Repository } from './repository.js';

/** Puts a manifest into a repository, byte for byte, under a tag or its digest. All that it names must be there already. */
export async function publishManifest(
  repository: Repository,
  target: { tag: string } | { digest: Digest },
  manifest: { mediaType: string; bytes: Buffer },
  what: string,
): Promise<void> {
  const answer = await repository.ask({
    method: 'PUT',
    at: `manifests/${'tag' in target ? target.tag : target.digest}`,
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
    expect: [200, 201, 202],
    what,
  });
  await discard(answer, answerBytes, repository.transport.limits);
}
