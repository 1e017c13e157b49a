/** Layers that are EROFS images: native/addon/image.cc. */
export interface LayerImageCalls {
  /** Mounts one on the folder `target`, read-only. Fails with BAD_IMAGE when it is not what was written, or an errno. */
  mountImage(request: { file: string; target: string; bytes: number; identity: Buffer }): void;
  /** Takes every mount off it; whoever uses files there keeps them. None is no error. */
  unmountImage(target: string): void;
  /** Can images that lie in that folder be mounted? Fails with the kernel's errno. */
  probeImages(folder: string): void;
}
