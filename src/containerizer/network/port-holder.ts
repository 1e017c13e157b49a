import { BerthError } from '../../errors/berth-error.js';
import { type NativeError, native } from '../../native/index.js';
import { portOwner } from '../../state/port-owner.js';
import type { PortWish } from './port-claim.js';

type WantedPort = Omit<PortWish, 'containerPort'>;

/** Why a port of the host cannot be had, with the name of who has it where that can be found out. */
export function portInUse(port: WantedPort, cause: NativeError): BerthError {
  const { first, last, protocol, addresses } = port;
  const number = first === last ? String(first) : `${first}-${last}`;
  const what = `port ${addresses[0] ?? ''}:${number}/${protocol}`;
  if (cause.code === 'EADDRNOTAVAIL') {
    return new BerthError('ADDRESS_IN_USE', {
      what,
      why: 'the host has no such address',
      mend: 'See ip address.',
      cause,
    });
  }
  if (cause.code !== 'EADDRINUSE') {
    return new BerthError('LAUNCH_FAILED', { what, why: `cannot be taken: ${cause.message}`, cause });
  }
  const holder = first === last && first !== 0 ? (publisher(port) ?? portOwner(first, protocol)) : undefined;
  return new BerthError('ADDRESS_IN_USE', {
    what,
    why: first === last ? `${holder ?? 'another process'} has it` : 'all of them are taken',
    mend: 'Choose another, or give only the container port: berth finds a free one.',
    cause,
  });
}

function publisher({ first, protocol }: WantedPort): string | undefined {
  const element = native()
    .publishedPorts()
    .find((each) => each.hostPort === first && each.protocol === protocol);
  return element === undefined ? undefined : `container ${element.owner.split('/')[1] ?? element.owner}`;
}
