import { readFileSync, realpathSync, statSync } from 'node:fs';
import { BerthError } from '../errors/berth-error.js';
import type { AgentConfig } from './config.js';

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === 'string' ? undefined : 'is not a text');
const texts: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string')
    ? undefined
    : 'is not a list of texts';
const list: Check = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
    ? undefined
    : 'is not a list of texts';
const path: Check = (value) =>
  text(value) ?? ((value as string).startsWith('/') ? undefined : 'is not an absolute path');
const paths: Check = (value) =>
  list(value) ??
  ((value as string[]).every((each) => each.startsWith('/')) ? undefined : 'has a path that is not absolute');
const truth: Check = (value) => (typeof value === 'boolean' ? undefined : 'is neither true nor false');
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string) ? undefined : `is none of ${words.join(', ')}`;
const atLeast =
  (least: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isFinite(value) && value >= least
      ? undefined
      : `is not a number from ${least} on`;

/** Members of the file, as the configuration names them. */
const members: Record<string, readonly [keyof AgentConfig, Check]> = {
  masters: ['masters', texts],
  hostname: ['hostname', text],
  resources: ['resources', text],
  attributes: ['attributes', text],
  sandboxes: ['sandboxes', path],
  sandbox_keep_seconds: ['sandboxKeep', atLeast(0)],
  sandbox_headroom: ['sandboxHeadroom', atLeast(0)],
  executor_registration_seconds: ['executorRegistration', atLeast(0.1)],
  executor_reregistration_seconds: ['executorReregistration', atLeast(0.1)],
  executor_shutdown_grace_seconds: ['executorShutdownGrace', atLeast(0)],
  executor_recovery_seconds: ['executorRecovery', atLeast(0)],
  kill_grace_seconds: ['killGrace', atLeast(0)],
  update_retry_seconds: ['updateRetry', atLeast(0.1)],
  update_retry_most_seconds: ['updateRetryMost', atLeast(0.1)],
  reconnect_seconds: ['reconnect', atLeast(0.01)],
  reconnect_most_seconds: ['reconnectMost', atLeast(0.01)],
  cpu_ceiling: ['cpuCeiling', truth],
  host_volumes: ['hostVolumes', paths],
  host_capabilities: ['hostCapabilities', list],
  local_images: ['localImages', truth],
  privileged: ['privileged', truth],
  host_root: ['hostRoot', oneOf('read-only', 'discarded')],
};

type Refuse = (why: string, mend?: string) => BerthError;

/** Reads `berth agent --config`. A file with secrets must be its owner's alone; what is not understood is refused, not passed over. */
export function readAgentConfig(file: string): Partial<AgentConfig> {
  const refuse: Refuse = (why, mend) =>
    new BerthError('USAGE', { what: `--config ${file}`, why, ...(mend !== undefined && { mend }) });
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw refuse('it is not a JSON object');
  const config: Record<string, unknown> = { secretFiles: [realpathSync(file)] };
  for (const [name, value] of Object.entries(document)) {
    if (name === 'credentials' || name === 'master_credential') {
      if ((statSync(file).mode & 0o077) !== 0)
        throw refuse(`it holds ${name}, and others can read it`, `Run chmod 600 ${file}.`);
      if (name === 'credentials') config.credentials = credentials(value, refuse);
      else config.masterCredential = credential(value, refuse);
      continue;
    }
    const member = Object.hasOwn(members, name) ? members[name] : undefined;
    if (member === undefined) throw refuse(`there is no member ${JSON.stringify(name)}`);
    const why = member[1](value);
    if (why !== undefined) throw refuse(`${name} ${why}`);
    config[member[0]] = value;
  }
  return config;
}

function credentials(value: unknown, refuse: Refuse): AgentConfig['credentials'] {
  const result: AgentConfig['credentials'] = { passwords: [], tokens: [] };
  if (!Array.isArray(value)) throw refuse('credentials is not a list');
  for (const each of value as unknown[]) {
    const { principal, ...one } = credential(each, refuse) as { principal?: string };
    if (principal === undefined || principal === '') throw refuse('a credential has no principal');
    if ('secret' in one) result.passwords.push({ principal, secret: one.secret as string });
    else result.tokens.push({ principal, token: (one as { token: string }).token });
  }
  return result;
}

function credential(value: unknown, refuse: Refuse): NonNullable<AgentConfig['masterCredential']> {
  const { principal, secret, token } = (value ?? {}) as Record<string, unknown>;
  const name = typeof principal === 'string' ? principal : '';
  if (typeof token === 'string' && token !== '') return { ...(name !== '' && { principal: name }), token };
  if (typeof secret === 'string' && secret !== '' && name !== '') return { principal: name, secret };
  throw refuse('a credential has neither a token, nor a principal and a secret');
}
