/** A network as the packet filter knows it. */
export interface FilteredNetwork {
  bridge: string;
  internal: boolean;
}

export interface NetworkCalls {
  /** Makes a bridge with its addresses, and the packet filter's table that knows it. What is there already is left as it is. Takes some milliseconds. */
  raiseNetwork(
    network: FilteredNetwork & {
      alias: string;
      mac: string;
      mtu: number;
      addresses: { address: string; prefix: number }[];
    },
  ): void;
  /** Are bridge and packet filter there? Microseconds. */
  isNetworkUp(network: FilteredNetwork): boolean;
  /** Takes both away; with `last` the whole table. */
  lowerNetwork(network: FilteredNetwork & { last: boolean }): void;

  /** The interfaces of this host, and the networks that it has routes to or addresses in (default routes apart). */
  hostNetworks(): { interfaces: HostInterface[]; networks: HostNetwork[] };

  /**
   * Claims addresses and ports for as long as any copy of `fd` is open; a supervisor inherits it. What earlier holders that were killed left in the packet filter goes. Throws EADDRINUSE: `step` is
   * `port N` or `address N`, by the place in the request of what cannot be had.
   */
  claimNetwork(request: NetworkClaimRequest): NetworkClaim;
  /** More addresses for as long as the claim of `fd` lasts. Throws EADDRINUSE as above, ENOMSG where it holds no addresses. */
  claimMore(fd: number, wish: AddressWish): OwnAddresses;
  /** Gives some of a claim's addresses back, if they are held. */
  releaseAddresses(fd: number, ipv4: string, ipv6: string | null): void;
  /** Removes the file of claims if nobody holds any. */
  removeIdleClaims(file: string): boolean;

  /** Gives a container that runs one more interface. `pid` is of a process of its own. Throws ESRCH when that is gone, EEXIST when a name is taken; then nothing of it is left. Some milliseconds. */
  addInterface(spec: RemoteHolder & InterfaceSpec): void;
  /** Default routes over an interface that it has, instead of those that there are. */
  addRoutes(spec: RemoteHolder & Pick<InterfaceSpec, 'interface' | 'gateways'>): void;
  /** By the name of the end on the host. False: there is none. */
  removeInterface(name: string): boolean;

  /** Every port that any container on this host publishes. */
  publishedPorts(): PublishedElement[];
  /** Puts back what somebody else has removed. Containers' own supervisors publish at their start. Throws EEXIST where one is there. */
  publishPorts(ports: Omit<PublishedElement, 'owner'>[], owner: string): void;
  /**
   * Makes the kernel forget UDP flows to these ports of the host, so that a sender that never pauses follows what is published now. Gives how many there were.
   */
  forgetUdpFlows(ports: number[]): number;
  /** Takes back all of one owner; gives how many there were. */
  withdrawPorts(owner: string): number;
}

export interface HostInterface {
  name: string;
  /** What whoever made it says of it; empty: nothing. */
  alias: string;
  /** `bridge`, `veth`, …; empty for hardware and loopback. */
  kind: string;
  index: number;
  /** The bridge that it is on; 0: none. */
  master: number;
  up: boolean;
}

export interface HostNetwork {
  address: string | null;
  prefix: number;
  /** The index of the interface. */
  interface: number;
}

/** A process, whose network namespace is meant. */
export interface RemoteHolder {
  pid: number;
  /** Clock ticks since boot. */
  startTime: number;
}

/** As launch.json has it. */
export interface InterfaceSpec {
  bridge: string;
  host_interface: string;
  interface: string;
  mtu: number;
  mac: string;
  addresses: { address: string; prefix: number }[];
  gateways: string[];
}

/** Of one network. */
export interface AddressWish {
  /** IPv4: from the first to the last, but for the gateway. */
  first: string;
  last: string;
  gateway: string;
  /** The IPv6 network that the IPv4 address completes, or with 128 for a prefix an address; null: none. */
  network6: string | null;
  prefix6: number;
}

export interface NetworkClaimRequest {
  /** Where claims are kept; made if missing. */
  file: string;
  addresses: AddressWish[];
  /** `first` 0: any port. */
  ports: { addresses: string[]; protocol: 'tcp' | 'udp'; first: number; last: number }[];
}

export interface OwnAddresses {
  ipv4: string;
  ipv6: string | null;
}

export interface NetworkClaim {
  fd: number;
  /** One for each that was asked for. */
  addresses: OwnAddresses[];
  /** One for each that was asked for. */
  ports: number[];
}

export interface PublishedElement {
  hostIp: string;
  hostPort: number;
  protocol: 'tcp' | 'udp';
  containerIp: string;
  containerPort: number;
  /** `ROOTHASH/ID` of the container. */
  owner: string;
}
