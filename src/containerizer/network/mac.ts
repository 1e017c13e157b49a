/** A MAC address for an IPv4 address: locally administered, and the same whoever has the address, so that neighbours' tables never point to a predecessor. */
export function macOf(ipv4: string): string {
  const bytes = ipv4.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return ['02', 'be', ...bytes].join(':');
}
