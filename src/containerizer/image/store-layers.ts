import { availableParallelism } from 'node:os';
import { type BlobGrowth, type LayersBelow, native } from '../../native/index.js';
import { chainIds, type Digest } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import type { LayerChoice } from './layer-form.js';
import { ensureLayer, type LayerRequest } from './layers.js';
import type { LayerSource, ResolvedImage } from './oci-layout.js';
import type { OnProgress } from './progress.js';
import type { Session } from './store.js';
import type { StoredLayer } from './stored-layer.js';

/** Layers of an image at once. Each has three threads and some ten megabytes; more than a few only make the disk jump. */
const mostAtOnce = 4;

/**
 * Unpacks the layers of an image, several at a time: each goes on without those below until it needs one of them. `stored` is told of every
 * layer once it and all below are there, the lowest first. After a failure nothing is under way any more.
 */
export async function storeLayers(
  roots: Roots,
  session: Session,
  image: ResolvedImage,
  what: string,
  onProgress: OnProgress,
  formOf: (source: LayerSource) => LayerChoice,
  stored: (layer: StoredLayer, index: number, about: string) => Promise<void>,
): Promise<void> {
  const chain = chainIds(image.layers.map((layer) => layer.diffId));
  const slots = new Slots(Math.min(mostAtOnce, Math.max(2, availableParallelism())));
  const gates = image.layers.map(() => native().layersBelow());
  const settle = (index: number, there: boolean): void => {
    const gate = gates[index];
    if (gate !== undefined) native().settleBelow(gate, there);
  };
  const requests = image.layers.map((source, i): LayerRequest => {
    const place = { index: i + 1, count: image.layers.length };
    return {
      source,
      chainId: chain[i] as Digest,
      blob: '',
      // One that is verified becomes the store's own by a link: it is not written a second time.
      ownBlob: image.verified,
      below: { chain: chain.slice(0, i).reverse(), there: gates[i] as LayersBelow },
      form: formOf(source),
      what: aboutLayer(what, place, source.digest),
      place,
    };
  });
  settle(0, true);
  // Slots go to the lowest first, so whoever waits for a layer waits for one that is being unpacked.
  const jobs = requests.map((request) =>
    slots.run(() =>
      arrivingLayer(image, request.source.digest, (growth) =>
        ensureLayer(
          roots,
          session,
          { ...request, blob: image.blobPath(request.source.digest), growth },
          onProgress,
        ),
      ),
    ),
  );
  for (const job of jobs) job.catch(() => {});
  try {
    for (const [i, job] of jobs.entries()) {
      await stored(await job, i, (requests[i] as LayerRequest).what);
      settle(i + 1, true);
    }
  } catch (error) {
    slots.close();
    for (const i of gates.keys()) settle(i, false);
    image.arrivals?.cancel(error instanceof Error ? error : new Error(String(error)));
    await Promise.allSettled(jobs);
    throw error;
  }
}

function aboutLayer(what: string, { index, count }: LayerRequest['place'], digest: Digest): string {
  return `${what}, layer ${index} of ${count} (${digest.slice(0, 19)})`;
}

/** The layer of a blob that may still be coming: unpacked as it comes, and again if it has to come once more. */
async function arrivingLayer(
  image: ResolvedImage,
  digest: Digest,
  unpack: (growth: BlobGrowth | undefined) => Promise<StoredLayer>,
): Promise<StoredLayer> {
  for (;;) {
    const arrival = await image.arrivals?.of(digest);
    if (arrival === undefined) return unpack(undefined);
    const [unpacked, whole] = await Promise.allSettled([unpack(arrival.growth), arrival.whole]);
    // Why it did not come explains why it could not be unpacked.
    if (whole.status === 'rejected') throw whole.reason;
    if (!whole.value) continue;
    if (unpacked.status === 'rejected') throw unpacked.reason;
    return unpacked.value;
  }
}

/** So many things at once, first come, first served. */
class Slots {
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  constructor(private free: number) {}

  async run<T>(act: () => Promise<T>): Promise<T> {
    if (this.free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.free -= 1;
    try {
      if (this.#closed) throw new Error('another layer has failed');
      return await act();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }

  /** What has not begun does not begin any more. */
  close(): void {
    this.#closed = true;
  }
}
