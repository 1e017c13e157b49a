import type { PodManifest, PodPort } from '../../appc-spec/pod-manifest.js';
import type { PortSpec } from '../network/port-spec.js';
import type { AppImage } from './app-image.js';
import { invalidPod } from './trouble.js';

/** The ports of the host that lead to the pod: each to the port of an app that has its name, or to one that it states itself (pods.md, "ports"). */
export function podPorts(manifest: PodManifest, images: readonly AppImage[]): PortSpec[] {
  return (manifest.ports ?? []).flatMap((port) => publish(port, images));
}

function publish({ name, hostPort, hostIP, podPort }: PodPort, images: readonly AppImage[]): PortSpec[] {
  const what = `port ${name}`;
  const named = images.flatMap(({ app }) => (app.ports ?? []).filter((each) => each.name === name));
  const inside = podPort ?? named[0];
  if (inside === undefined) throw invalidPod(what, 'no app of the pod has a port of that name');
  if (podPort === undefined && named.length > 1)
    throw invalidPod(what, `${named.length} apps have a port of that name`);
  const { protocol, port, count = 1 } = inside;
  if (protocol !== 'tcp' && protocol !== 'udp') throw invalidPod(what, `${protocol} is neither tcp nor udp`);
  if (hostPort + count - 1 > 65_535) throw invalidPod(what, 'its range goes beyond port 65535 of the host');
  return Array.from({ length: count }, (_, i) => ({
    hostIp: hostIP ?? null,
    hostFirst: hostPort + i,
    hostLast: hostPort + i,
    containerPort: port + i,
    protocol,
  }));
}
