import { readFileSync, statSync } from 'node:fs';
import { BerthError } from '../errors/berth-error.js';
import type { MasterConfig } from './config.js';

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === 'string' ? undefined : 'is not a text');
const atLeast =
  (least: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isFinite(value) && value >= least
      ? undefined
      : `is not a number from ${least} on`;

/** Members of the file, as the configuration names them. */
const members: Record<string, readonly [keyof MasterConfig, Check]> = {
  hostname: ['hostname', text],
  cluster: ['cluster', text],
  heartbeat_seconds: ['heartbeat', atLeast(0.1)],
  agent_heartbeat_seconds: ['agentHeartbeat', atLeast(0.1)],
  agent_timeout_seconds: ['agentTimeout', atLeast(0.3)],
  agent_reregister_timeout_seconds: ['reregisterTimeout', atLeast(1)],
  operation_retry_seconds: ['operationRetry', atLeast(0.1)],
  operation_retry_most_seconds: ['operationRetryMost', atLeast(0.1)],
  completed_tasks_per_framework: ['mostCompletedTasks', atLeast(0)],
  completed_frameworks: ['mostCompletedFrameworks', atLeast(1)],
};

/** Reads `berth master --config`. A file with secrets must be its owner's alone; what is not understood is refused, not passed over. */
export function readMasterConfig(file: string): Partial<MasterConfig> {
  const refuse = (why: string, mend?: string) =>
    new BerthError('USAGE', { what: `--config ${file}`, why, ...(mend !== undefined && { mend }) });
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw refuse('it is not a JSON object');
  const config: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(document)) {
    if (name === 'credentials') {
      if ((statSync(file).mode & 0o077) !== 0)
        throw refuse('it holds credentials, and others can read it', `Run chmod 600 ${file}.`);
      config.credentials = credentials(value, refuse);
      continue;
    }
    const member = members[name];
    if (member === undefined) throw refuse(`there is no member ${JSON.stringify(name)}`);
    const why = member[1](value);
    if (why !== undefined) throw refuse(`${name} ${why}`);
    config[member[0]] = value;
  }
  return config;
}

function credentials(value: unknown, refuse: (why: string) => BerthError): MasterConfig['credentials'] {
  const result: MasterConfig['credentials'] = { passwords: [], tokens: [] };
  if (!Array.isArray(value)) throw refuse('credentials is not a list');
  for (const each of value as unknown[]) {
    const { principal, secret, token } = (each ?? {}) as Record<string, unknown>;
    if (typeof principal !== 'string' || principal === '') throw refuse('a credential has no principal');
    if (typeof secret === 'string' && secret !== '') result.passwords.push({ principal, secret });
    else if (typeof token === 'string' && token !== '') result.tokens.push({ principal, token });
    else throw refuse(`the credential of ${principal} has neither a secret nor a token`);
  }
  return result;
}
