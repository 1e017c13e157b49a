/** Layers that are EROFS images: native/addon/image.cc. */
export interface LayerImageCalls {
  /** Mounts one on the folder `target`, read-only. Fails with BAD_IMAGE when it is not what was written, or an errno. */
  mountImage(image: ImageMount): void;
  /** Fails as `mountImage` would, and leaves no mount. */
  tryImage(image: ImageMount): void;
  /** Takes every mount off it; whoever uses files there keeps them. None is no error. */
  unmountImage(target: string): void;
  /** Can images that lie in that folder be mounted? Fails with the kernel's errno. */
  probeImages(folder: string): void;
}

export interface ImageMount {
  file: string;
  target: string;
  /** As it was written: its size, and 32 hexadecimal digits of its superblock. */
  bytes: number;
  identity: string;
}
