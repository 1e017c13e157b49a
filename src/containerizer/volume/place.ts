import path from 'node:path';

/** A place inside a container in its shortest form. */
export function normalPlace(target: string): string {
  return path.posix.normalize(target).replace(/(.)\/$/, '$1');
}

/** Why nothing may be mounted at a place (in its shortest form); undefined: it may. */
export function whyNoPlace(place: string): string | undefined {
  if (!path.posix.isAbsolute(place) || place === '/') {
    return 'Its target is an absolute path inside the container, other than /.';
  }
  if (/^\/(proc|sys|dev\/pts|dev\/mqueue)(\/|$)/.test(place)) {
    return 'Its target cannot lie in /proc or /sys, nor in /dev/pts or /dev/mqueue: what hides the host there could be covered.';
  }
  if (place === '/dev') {
    return 'Its target cannot be /dev: device nodes would be made in the folder of the host.';
  }
  return undefined;
}
