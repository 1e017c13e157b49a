import path from 'node:path';
import type { Roots } from '../../state/roots.js';
import { defaultLimits } from '../image/limits.js';
import { mustFitAci } from '../image/space.js';
import type { Session } from '../image/store.js';
import type { RegistryOptions } from '../registry/session.js';
import { Web } from '../registry/web.js';
import { keysFor } from '../trust/key-store.js';
import { discover, notDiscovered } from './discovery.js';
import { checkSigned, noKey } from './trust.js';

export interface AppcOptions extends RegistryOptions {
  /** Nothing needs to be signed. */
  insecure?: boolean | undefined;
  /** Nothing is fetched. */
  offline?: boolean | undefined;
}

const signatureBytes = 1 << 20;
let fetched = 0;

/**
 * Finds an ACI by its name and fetches it, verified, into the session's folder: first what it is signed with, so that nothing of what nobody vouches for is
 * even read. Gives the file, and the fingerprint of the key.
 */
export async function fetchAci(
  roots: Roots,
  session: Session,
  wanted: { name: string; labels: Readonly<Record<string, string>>; size?: number | undefined },
  options: AppcOptions,
  what: string,
): Promise<{ file: string; signedBy: string | undefined }> {
  const { name, labels, size = defaultLimits.bytes } = wanted;
  const insecure = options.insecure === true;
  if (!insecure && (await keysFor(roots, name)).length === 0) throw noKey(what, name);
  const web = new Web(options);
  try {
    const { places } = await discover(web, name, labels, what);
    const file = path.join(session.directory, `fetched-${fetched++}.aci`);
    for (const { image, signature } of places) {
      const signed = insecure ? undefined : await web.document(signature, signatureBytes, what);
      const announced = (bytes: number) => mustFitAci(roots, bytes, what);
      if (!(await web.download(image, file, size, what, announced))) continue;
      const aci = { name, file, signature: signed, origin: 'network' } as const;
      return { file, signedBy: await checkSigned(roots, aci, insecure, what) };
    }
    throw notDiscovered(what, places);
  } finally {
    web.close();
  }
}
