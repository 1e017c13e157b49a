import os from 'node:os';
import { BerthError } from '../../errors/berth-error.js';
import { type Descriptor, isIndexType, isManifestType } from '../../oci-spec/image.js';

export interface PlatformLike {
  os: string;
  architecture: string;
  variant?: string;
}

// Node's names of machines to Go's, which OCI uses (image-index.md, "platform").
const architectures: Record<string, string> = { x64: 'amd64', ia32: '386', mips64el: 'mips64le' };

export function hostPlatform(): PlatformLike {
  const machine = os.arch();
  return { os: 'linux', architecture: architectures[machine] ?? machine };
}

export function platformName(platform: PlatformLike): string {
  return `${platform.os}/${platform.architecture}${platform.variant === undefined ? '' : `/${platform.variant}`}`;
}

export function fitsHost(platform: PlatformLike): boolean {
  return fits(platform, hostPlatform());
}

/** Fails if an image that is for one platform alone is not for the one that was asked for. Variants are not looked at: few configurations state one. */
export function mustBeFor(config: PlatformLike, wanted: PlatformLike | undefined, what: string): void {
  if (wanted === undefined || (config.os === wanted.os && config.architecture === wanted.architecture))
    return;
  throw new BerthError('PLATFORM_MISSING', {
    what,
    why: `it is for ${platformName(config)} alone, and ${platformName(wanted)} was asked for`,
  });
}

/** The variant that is meant where none is stated, or that nobody states (containerd, platforms). */
const usualVariants: Record<string, string> = { amd64: 'v1', arm64: 'v8', arm: 'v7' };

function variantOf({ architecture, variant }: PlatformLike): string | undefined {
  return variant === undefined || variant === '' ? usualVariants[architecture] : variant;
}

const isUsual = (platform: PlatformLike) => variantOf(platform) === usualVariants[platform.architecture];

function fits(platform: PlatformLike, wanted: PlatformLike): boolean {
  if (platform.os !== wanted.os || platform.architecture !== wanted.architecture) return false;
  return wanted.variant === undefined ? runsVariant(platform) : variantOf(platform) === variantOf(wanted);
}

/** x86-64 levels above the first ask for instructions that not every host has; other variants are taken as they come. */
function runsVariant(platform: PlatformLike): boolean {
  return platform.architecture !== 'amd64' || variantOf(platform) === 'v1';
}

/** The first candidate for a platform, by default this host's; one that states none is judged by its configuration later. */
export function choosePlatform(
  candidates: Descriptor[],
  what: string,
  wanted: PlatformLike = hostPlatform(),
): Descriptor {
  const images = candidates.filter((d) => isManifestType(d.mediaType) || isIndexType(d.mediaType));
  const chosen =
    images.find((d) => d.platform !== undefined && isUsual(d.platform) && fits(d.platform, wanted)) ??
    images.find((d) => d.platform !== undefined && fits(d.platform, wanted)) ??
    images.find((d) => d.platform === undefined);
  if (chosen !== undefined) return chosen;
  // What BuildKit says of itself stands among them, for no machine.
  const offered = images.flatMap((d) =>
    d.platform === undefined || d.platform.os === 'unknown' ? [] : [platformName(d.platform)],
  );
  throw new BerthError('PLATFORM_MISSING', {
    what,
    why: `it has nothing for ${platformName(wanted)}`,
    ...(offered.length === 0 ? {} : { mend: `It has: ${offered.slice(0, 10).join(', ')}.` }),
  });
}
