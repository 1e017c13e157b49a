/** `ROOT/networks/NAME.json`: one network of an installation. `format` counts incompatible changes. */
export interface NetworkDocument {
  format: 1;
  name: string;
  /** RFC 3339. */
  created_at: string;
  /** The interface on the host that its containers are joined by. */
  bridge: string;
  /** `10.88.0.0/16`; the gateway is the host's own address in it. */
  subnet: string;
  gateway: string;
  /** The part of the subnet that addresses are given from; null: all of it. */
  ip_range: string | null;
  /** IPv6, if it has any. */
  subnet6: string | null;
  gateway6: string | null;
  /** Nothing beyond the network can be reached from it. */
  internal: boolean;
  mtu: number;
  /** Notes for people and tools. */
  labels: Record<string, string>;
  /** The subnets were chosen by berth, which may choose others when the host has taken them meanwhile. */
  automatic: boolean;
}

/** A port of the host that leads to one of a container. */
export interface PublishedPort {
  /** `0.0.0.0` and `::` stand for every address of the host. */
  host_ip: string;
  host_port: number;
  container_port: number;
  protocol: 'tcp' | 'udp';
}

/** What a container asks of one network; unset: whatever is free. */
export interface AttachmentWish {
  network: string;
  ip?: string;
  ip6?: string;
  mac?: string;
  /** Which of several networks its way out leads over: that with the highest, unset 0, among equals the first. */
  gatewayPriority?: number;
  aliases: string[];
}

/** What one container has of one network; part of its `container.json`. */
export interface Attachment {
  network: string;
  bridge: string;
  /** The name of its interface inside, `eth0` and up, and of the other end on the bridge. */
  interface: string;
  host_interface: string;
  mac: string;
  mtu: number;
  ipv4: string;
  prefix4: number;
  ipv6: string | null;
  prefix6: number | null;
  /** Null on an internal network: there is no way out. */
  gateway4: string | null;
  gateway6: string | null;
  /** As it was wished for; unset: 0. */
  gateway_priority?: number;
  /** Further names that its neighbours know it by. */
  aliases: string[];
  /** Of the container's published ports those that lead to it over this network: all or none. */
  ports: PublishedPort[];
}
