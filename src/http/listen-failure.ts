import { BerthError } from '../errors/berth-error.js';
import { portOwner } from '../state/port-owner.js';

const reasons: Record<string, string> = {
  EADDRNOTAVAIL: 'this host has no such address',
  ENOTFOUND: 'its name has no address',
  EACCES: 'this user may not listen at that port',
};

/** Why a daemon cannot answer at an address, as `HOST:PORT`: bind(2) or the look-up of its name has failed. */
export function listenFailure(address: string, port: number, cause: NodeJS.ErrnoException): Error {
  const taken = cause.code === 'EADDRINUSE';
  const why = taken ? `${portOwner(port, 'tcp') ?? 'another process'} has it` : reasons[cause.code ?? ''];
  if (why === undefined) return cause;
  return new BerthError(taken ? 'ADDRESS_IN_USE' : 'USAGE', {
    what: `address ${address}`,
    why,
    mend: 'Choose another: --listen, or for the agent of berth up --agent-listen.',
    cause,
  });
}
