import type { Digest } from '../../oci-spec/digest.js';
import { chainIds } from '../../oci-spec/digest.js';
import type { Roots } from '../../state/roots.js';
import { inspectImage } from './list.js';
import { readLayer } from './stored-layer.js';

/** One step in the making of an image. `size`: bytes of the files that its layer brought; 0 when it brought none. */
export interface HistoryEntry {
  diffId: Digest | undefined;
  created: string | undefined;
  createdBy: string;
  author: string;
  comment: string;
  size: number;
}

/** How an image came to be, newest first (config.md, "history"). Layers that the history does not tell of have entries of their own. */
export function imageHistory(roots: Roots, reference: string): HistoryEntry[] {
  const { config } = inspectImage(roots, reference);
  const diffIds = config.rootfs.diff_ids as Digest[];
  const sizes = chainIds(diffIds).map((id) => readLayer(roots, id)?.file_bytes ?? 0);
  let layer = 0;
  const entries = (config.history ?? []).map((step): HistoryEntry => {
    const own = step.empty_layer === true || layer >= diffIds.length ? undefined : layer++;
    return {
      diffId: own === undefined ? undefined : diffIds[own],
      created: step.created,
      createdBy: step.created_by ?? '',
      author: step.author ?? '',
      comment: step.comment ?? '',
      size: own === undefined ? 0 : (sizes[own] ?? 0),
    };
  });
  const untold = diffIds.slice(layer).map(
    (diffId, i): HistoryEntry => ({
      diffId,
      created: undefined,
      createdBy: '',
      author: '',
      comment: '',
      size: sizes[layer + i] ?? 0,
    }),
  );
  return [...entries, ...untold].reverse();
}
