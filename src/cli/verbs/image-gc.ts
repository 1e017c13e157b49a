import { InvalidArgumentError, Option } from 'commander';
import { parseReference } from '../../containerizer/image/reference.js';
import { collectImages } from '../../containerizer/reclaim/collect-images.js';
import { bytes } from '../../inspect/quantity.js';
import { instant } from '../instant.js';
import { usageError } from '../report.js';
import type { Verb } from '../verb.js';

interface Flags {
  olderThan?: string;
  unusedFor?: string;
  high?: number;
  low?: number;
  keep?: string[];
  dryRun?: true;
}

export const verb: Verb = {
  summary: 'Remove what no image needs, images without a name, and on request old and unused ones',
  example: 'berth image gc --high 85 --low 75 --keep debian:bookworm',
  declare(command) {
    const age = (flag: string, what: string) => new Option(`${flag} <time>`, what).argParser(instant);
    const percent = (flag: string, what: string) =>
      new Option(`${flag} <percent>`, what).argParser(percentage);
    command
      .addOption(
        age('--older-than', 'images with a name too that came longer ago: 168h, or before a time (RFC 3339)'),
      )
      .addOption(age('--unused-for', 'images with a name too that no container was made of for so long'))
      .addOption(percent('--high', 'if so much of the disk is in use, also those that were used longest ago'))
      .addOption(
        percent('--low', 'until no more than that is in use; the same as --high unless told otherwise'),
      )
      .option(
        '--keep <name>',
        'a name that stays, whatever its age; may be given again',
        (name, all: string[] = []) => [...all, parseReference(name).canonical],
      )
      .option('--dry-run', 'only say what would go');
  },
  async run({ roots, json, out }, _, given) {
    const { olderThan, unusedFor, high, low, keep = [], dryRun = false } = given as Flags;
    if (low !== undefined && (high === undefined || low > high))
      throw usageError(
        'image gc',
        '--low must come with --high and not be above it',
        'See berth image gc --help.',
      );
    const {
      images,
      downloads,
      bytes: size,
      usedPercent,
    } = await collectImages(
      roots,
      {
        ...(olderThan === undefined ? {} : { loadedBefore: olderThan }),
        ...(unusedFor === undefined ? {} : { unusedSince: unusedFor }),
        ...(high === undefined ? {} : { high, low: low ?? high }),
        keep,
      },
      { dryRun },
    );
    if (json) {
      const told = images.flatMap(({ names, manifestDigest, lastUsed, bytes: own }) =>
        (names.length === 0 ? [null] : names).map((name, i) => ({
          name,
          digest: manifestDigest,
          last_used: lastUsed,
          bytes: i === 0 ? own : 0,
        })),
      );
      const document = {
        images: told,
        downloads,
        reclaimed_bytes: size,
        dry_run: dryRun,
        disk_used_percent: usedPercent,
      };
      out(`${JSON.stringify(document)}\n`);
      return 0;
    }
    for (const { names, manifestDigest } of images)
      for (const name of names.length === 0 ? [manifestDigest] : names) out(`image ${name}\n`);
    for (const { digest } of downloads) out(`download ${digest}\n`);
    out(`${dryRun ? 'Would reclaim' : 'Reclaimed'}: ${bytes(size)}\n`);
    return 0;
  },
};

function percentage(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 100) return value;
  throw new InvalidArgumentError('It is a number from 0 to 100.');
}
