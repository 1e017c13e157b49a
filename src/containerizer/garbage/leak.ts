/** Something that should not be there, or should be and is not. */
export interface Leak {
  kind:
    | 'container'
    | 'folder'
    | 'name'
    | 'trash'
    | 'socket'
    | 'cgroup'
    | 'layer'
    | 'port'
    | 'bridge'
    | 'network'
    | 'interface'
    | 'hosts';
  name: string;
  /** Why it is one, as a clause. */
  detail: string;
  /** False: it is still there, in use after all. Only what is provably berth's own, and of this installation, is touched. */
  heal(): boolean | Promise<boolean>;
}
