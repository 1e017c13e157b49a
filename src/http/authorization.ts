import type { Permissions } from '../settings/permissions.js';
import type { Identity } from './authentication.js';
import { HttpError } from './http-error.js';

/** What is allowed to each principal. Without permissions whoever is heard may do everything; root on this host always may. */
export class Authorization {
  constructor(private readonly permissions: Permissions | undefined) {}

  /** Whether there is anything that somebody may not do. */
  get limited(): boolean {
    return this.permissions !== undefined;
  }

  /** `subject`: what it is done with: a role, a user, a type of call; without one, whether it may be done with anything. */
  may({ principal, executor }: Identity, action: string, subject?: string): boolean {
    const { permissions } = this;
    // It has no name either, and is not root for that.
    if (executor !== undefined) return false;
    if (permissions === undefined || principal === undefined) return true;
    const own = Object.hasOwn(permissions, principal) ? permissions[principal] : permissions['*'];
    const allowed = own !== undefined && Object.hasOwn(own, action) ? own[action] : undefined;
    if (!Array.isArray(allowed)) return allowed === true;
    if (subject === undefined) return allowed.length > 0;
    return allowed.some((pattern) => covers(pattern, subject));
  }

  /** Throws HttpError 403. */
  need(identity: Identity, action: string, subject?: string): void {
    if (!this.may(identity, action, subject))
      throw new HttpError(403, this.refusal(identity, action, subject));
  }

  refusal({ principal, executor }: Identity, action: string, subject?: string): string {
    return `${executor === undefined ? `Principal '${principal}'` : 'An executor'} has no permission for ${action}${subject === undefined ? '' : ` of '${subject}'`}`;
  }
}

/** `batch/*`: all below it; all else is meant as it stands. */
function covers(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  return pattern.endsWith('/*') && subject.startsWith(pattern.slice(0, -1));
}
