/** What a container is in a pod (`container.json`). Only berth's own pod verbs write it: no image and no flag can say it. */
export interface PodMember {
  /** RFC 4122. */
  uuid: string;
  /** What people call the pod. */
  name: string;
  /** Null: the first container, which holds what the apps share and answers for the metadata service. */
  app: string | null;
  /** Of an app. */
  image_id?: string;
  /** Of the first: the manifest with all that was left open filled in. */
  manifest?: object;
}
