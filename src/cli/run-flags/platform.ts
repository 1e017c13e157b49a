import { InvalidArgumentError } from 'commander';
import { hostPlatform, type PlatformLike } from '../../containerizer/image/platform.js';

/** What people call machines, to what OCI calls them (image-index.md, "platform"). */
const otherNames: Record<string, string> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
};

const machines = new Set([
  'amd64',
  '386',
  'arm64',
  'arm',
  'ppc64le',
  's390x',
  'riscv64',
  'loong64',
  'mips64le',
]);

/** `OS`, `MACHINE`, `OS/MACHINE` or `OS/MACHINE/VARIANT`; without a machine it is this host's. */
export function platform(text: string): PlatformLike {
  const words = text.toLowerCase().split('/');
  const [first = ''] = words;
  const alone = words.length === 1 && (machines.has(first) || Object.hasOwn(otherNames, first));
  const [os = '', machine = hostPlatform().architecture, variant, ...more] = alone ? ['linux', first] : words;
  if (!/^[a-z0-9]+$/.test(os) || machine === '' || variant === '' || more.length > 0)
    throw new InvalidArgumentError('It is OS, OS/MACHINE or OS/MACHINE/VARIANT, e.g. linux/amd64.');
  const architecture = Object.hasOwn(otherNames, machine) ? (otherNames[machine] as string) : machine;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}
