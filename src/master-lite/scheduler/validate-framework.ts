import { jsonCodec, type MessageName } from '../../mesos/codec.js';
import type { FrameworkInfo, Messages, SchedulerOfferConstraints } from '../../mesos/messages.js';
import { invalidRole } from '../../mesos/resources/validate.js';
import { rolesOf } from '../model/framework.js';
import { invalidExpression } from '../offer-constraints.js';

/**
 * Bytes as JSON: what an agent runs it tells to each master that it finds, and each master keeps it.
 */
const longest = 256 * 1024;

/** Why a description is too long; undefined: it is not. */
export function tooLong<Name extends MessageName>(name: Name, message: Messages[Name]): string | undefined {
  const { length } = jsonCodec.encode(name, message);
  return length > longest ? `has ${length} bytes as JSON, and ${longest} are the most` : undefined;
}

/** Why a framework cannot be taken with this information; undefined: it can. */
export function invalidFramework(
  info: FrameworkInfo,
  suppressed: readonly string[] = [],
  constraints: SchedulerOfferConstraints = {},
): string | undefined {
  const long = tooLong('mesos.v1.FrameworkInfo', info);
  if (long !== undefined) return `FrameworkInfo ${long}`;
  const several = (info.capabilities ?? []).some(({ type }) => type === 'MULTI_ROLE');
  if (several && info.role !== undefined)
    return 'FrameworkInfo.role must not be set when the framework is MULTI_ROLE capable';
  if (!several && (info.roles ?? []).length > 0)
    return 'FrameworkInfo.roles must not be set when the framework is not MULTI_ROLE capable';
  if (new Set(info.roles).size !== (info.roles?.length ?? 0)) return 'FrameworkInfo.roles has a role twice';
  const roles = rolesOf(info);
  for (const role of roles) {
    const why = invalidRole(role);
    if (why !== undefined) return `FrameworkInfo has an invalid role: ${why}`;
  }
  const id = info.id?.value ?? '';
  if (id !== '' && invalidId(id) !== undefined) return `FrameworkInfo.id: ${invalidId(id)}`;
  const timeout = info.failover_timeout ?? 0;
  if (!(timeout >= 0)) return `The framework failover_timeout (${timeout}) is invalid`;
  for (const role of [...suppressed, ...Object.keys(constraints.role_constraints ?? {})])
    if (!roles.includes(role))
      return `Suppressed or constrained role '${role}' is not one of the framework's`;
  for (const { groups = [] } of Object.values(constraints.role_constraints ?? {}))
    for (const { attribute_constraints = [] } of groups)
      for (const { predicate } of attribute_constraints) {
        const regex = predicate.text_matches?.regex ?? predicate.text_not_matches?.regex;
        const why = regex === undefined ? undefined : invalidExpression(regex);
        if (why !== undefined) return `Offer constraints: ${why}`;
      }
  return undefined;
}

/** Why an id of a task, executor or framework cannot be taken; undefined: it can. */
export function invalidId(id: string): string | undefined {
  if (id === '') return 'ID must not be empty';
  if (Buffer.byteLength(id) > 255) return 'ID must not be greater than 255 characters';
  if (id === '.' || id === '..') return `'${id}' is disallowed`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (/[\u0000-\u001f\u007f/\\]/.test(id)) return `'${id}' contains invalid characters`;
  return undefined;
}
