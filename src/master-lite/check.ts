import { readCertificates } from '../http/certificates.js';
import { refuseOpenDoor } from '../settings/door.js';
import type { MasterConfig } from './config.js';

/** Throws where a master could not begin with it, or would have secrets told to the network. Reads its certificates, and changes nothing. */
export function checkMasterConfig(config: MasterConfig): void {
  refuseOpenDoor(config);
  readCertificates(config);
}
