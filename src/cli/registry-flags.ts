import { type Command, InvalidArgumentError, Option } from 'commander';
import { locationOf, namesRegistry } from '../containerizer/registry/location.js';
import type { RegistryOptions } from '../containerizer/registry/session.js';
import { usageError } from './report.js';
import type { Context } from './verb.js';

/** The flags of every verb that talks to registries. */
export const registryFlags = (): Option[] => [
  new Option(
    '--tls-verify [bool]',
    'false: believe whoever answers, and speak plain HTTP if need be; true: not even to this host itself',
  ).argParser(truth),
  new Option('--authfile <file>', 'credentials, instead of those in the usual places (REGISTRY_AUTH_FILE)'),
  new Option(
    '--cert-dir <dir>',
    'certificates: *.crt are CAs, NAME.cert and NAME.key are shown to the registry',
  ),
];

export function declareRegistryFlags(command: Command): void {
  for (const flag of registryFlags()) command.addOption(flag);
}

interface Flags {
  tlsVerify?: boolean;
  authfile?: string;
  certDir?: string;
}

/** What they come to; every attempt that fails and is made again is told. */
export function registryOptions(context: Context, given: object): RegistryOptions {
  const { tlsVerify, authfile, certDir }: Flags = given;
  return {
    tlsVerify,
    authFile: authfile,
    certificates: certDir,
    onRetry: (reason, delay) =>
      context.note(`berth: ${reason}; trying again in ${(delay / 1000).toFixed(1)} s`),
  };
}

/** A registry as people name it; none is Docker Hub. */
export function registryName(text = 'docker.io'): string {
  const name = text
    .replace(/^https?:\/\//, '')
    .replace(/\/(?:v[12]\/?)?$/, '')
    .toLowerCase();
  // What has no dot and no port would be read as a part of a name on Docker Hub wherever an image is named.
  if (/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d+)?$/.test(name) && namesRegistry(`${name}/x`)) {
    return locationOf(`${name}/x`).registry;
  }
  throw usageError(`registry ${text}`, 'it is no host', 'Give HOST or HOST:PORT.');
}

export function truth(text: string): boolean {
  if (/^(?:1|t|true|yes)$/i.test(text)) return true;
  if (/^(?:0|f|false|no)$/i.test(text)) return false;
  throw new InvalidArgumentError('It is true or false.');
}
