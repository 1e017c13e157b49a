/** Connections of this host: native/addon/socket.cc. */
export interface SocketCalls {
  /**
   * The user who made the TCP socket whose own end is the first address and port, connected to the second, in this network namespace (sock_diag(7)). Null: no
   * process holds such a socket. IPv4 addresses in their own form alone.
   */
  socketOwner(ownAddress: string, ownPort: number, otherAddress: string, otherPort: number): number | null;
  /** The user who connected to a local socket (unix(7), SO_PEERCRED), by its descriptor. */
  socketPeer(fd: number): number;

  /** One datagram to the socket that a service manager names in NOTIFY_SOCKET (sd_notify(3)). Never waits: EAGAIN when its queue is full. */
  tellServiceManager(socket: string, text: string): void;

  /**
   * The directory of the control group, in the hierarchy of version 2 that is mounted at `hierarchy`, of the process that made that socket, as it is called now. Null as above, when the group is gone, or where
   * the kernel does not tell (Linux 5.9, CONFIG_SOCK_CGROUP_DATA).
   */
  socketCgroup(
    hierarchy: string,
    ownAddress: string,
    ownPort: number,
    otherAddress: string,
    otherPort: number,
  ): string | null;

  /** Two descriptors, connected with each other: what is written to one is read from the other, both ways. */
  streamPair(): [number, number];

  /**
   * A TCP connection that begins in the network namespace of a process and is its user's, as a descriptor of the caller's. No process is started. Rejects with ESRCH when that process is gone, with
   * ETIMEDOUT, or as connect(2) does.
   */
  connectInNetwork(request: {
    pid: number;
    startTime: number;
    /** On the host. */
    user: number;
    /** IPv4 or IPv6, no name. */
    address: string;
    port: number;
    milliseconds: number;
  }): Promise<number>;
}
