import { BerthError } from '../../errors/berth-error.js';
import { type Digest, hexOf } from '../../oci-spec/digest.js';
import { manifestShape } from '../../oci-spec/image.js';
import { parseDocument } from '../image/documents.js';
import { fetchManifest, fetchSmallBlob } from '../registry/manifests.js';
import type { Repository } from '../registry/repository.js';
import type { SigstoreSignature } from './signatures.js';

const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
const annotation = 'dev.cosignproject.cosign/signature';
/** What comes with one that was made without a key of somebody's own. */
const annotations = {
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
};
const mostSignatures = 128;

/**
 * The sigstore signatures of an image, which lie beside it in its repository: the tag `sha256-HEX.sig` is an image whose layers are what was signed, with the signature of each in
 * an annotation (cosign, specs/SIGNATURE_SPEC.md).
 */
export async function attachedSignatures(
  repository: Repository,
  digests: readonly Digest[],
  what: string,
): Promise<SigstoreSignature[]> {
  const found: SigstoreSignature[] = [];
  for (const digest of digests) {
    const bytes = await manifestAt(repository, `sha256-${hexOf(digest)}.sig`, what);
    if (bytes === undefined) continue;
    const { layers } = parseDocument(bytes, manifestShape, `${what}, its signatures`, 'manifest');
    for (const layer of layers.slice(0, mostSignatures)) {
      const signature = layer.annotations?.[annotation];
      if (layer.mediaType !== payloadType || signature === undefined) continue;
      const payload = await fetchSmallBlob(repository, layer, `${what}, its signatures`);
      const beside = Object.entries(annotations).flatMap(([part, name]) => {
        const text = layer.annotations?.[name];
        return text === undefined ? [] : [[part, text]];
      });
      found.push({ payload, signature: Buffer.from(signature, 'base64'), ...Object.fromEntries(beside) });
    }
  }
  return found;
}

async function manifestAt(repository: Repository, tag: string, what: string): Promise<Buffer | undefined> {
  try {
    return (await fetchManifest(repository, { tag }, what)).bytes;
  } catch (error) {
    if (error instanceof BerthError && error.code === 'IMAGE_NOT_FOUND') return undefined;
    throw error;
  }
}
