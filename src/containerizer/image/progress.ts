import type { LayerForm } from './layer-form.js';

/** What happens while an image is loaded, pulled or pushed. `index` counts from 1, sizes are those of the layer's blob in bytes. */
export type ImageEvent = { digest: string; index: number; count: number } & (
  | { kind: 'download'; size: number; done: number }
  | { kind: 'upload'; size: number; done: number }
  | { kind: 'upload-done'; size: number; how: 'present' | 'mounted' | 'sent' }
  | { kind: 'layer-present' }
  /** `form`: what it becomes; `instead`: why it is not what was asked for. */
  | { kind: 'layer-start'; size: number; form: LayerForm; instead?: string }
  | { kind: 'layer-bytes'; size: number; done: number }
  | { kind: 'layer-done'; size: number }
);

export type OnProgress = (event: ImageEvent) => void;
