import type { Location } from './location.js';

/** A place to ask. */
export interface Candidate {
  location: Location;
  /** A certificate need not be valid, nor TLS be spoken at all. */
  insecure: boolean;
  mirror: boolean;
}

/** What registries.conf says of where images come from (containers-registries.conf(5)). */
export class Registries {
  private constructor() {}

  static read(_environment: NodeJS.ProcessEnv): Registries {
    return new Registries();
  }

  candidates(location: Location, _byDigest: boolean): Candidate[] {
    return [{ location, insecure: false, mirror: false }];
  }
}
