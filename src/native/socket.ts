/** Connections of this host: native/addon/socket.cc. */
export interface SocketCalls {
  /**
   * The user who made the TCP socket whose own end is the first address and port, connected to the second, in this network namespace (sock_diag(7)). Null: no
   * process holds such a socket. IPv4 addresses in their own form alone.
   */
  socketOwner(ownAddress: string, ownPort: number, otherAddress: string, otherPort: number): number | null;
  /** The user who connected to a local socket (unix(7), SO_PEERCRED), by its descriptor. */
  socketPeer(fd: number): number;
}
