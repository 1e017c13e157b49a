import { InvalidArgumentError } from 'commander';
import { hostPlatform, type PlatformLike } from '../../containerizer/image/platform.js';

/** What people call machines, to what OCI calls them (image-index.md, "platform"). */
const otherNames: Record<string, string> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
};

/** `OS`, `OS/MACHINE` or `OS/MACHINE/VARIANT`; without a machine it is this host's. */
export function platform(text: string): PlatformLike {
  const [os = '', machine = hostPlatform().architecture, variant, ...more] = text.toLowerCase().split('/');
  if (!/^[a-z0-9]+$/.test(os) || machine === '' || variant === '' || more.length > 0)
    throw new InvalidArgumentError('It is OS, OS/MACHINE or OS/MACHINE/VARIANT, e.g. linux/amd64.');
  const architecture = Object.hasOwn(otherNames, machine) ? (otherNames[machine] as string) : machine;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}
