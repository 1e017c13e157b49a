import type { Isolator } from '../../appc-spec/isolators.js';
import type { ContainerOptions, NamedVolume } from '../container/options.js';
import { normalPlace } from '../volume/place.js';
import type { AppcImage } from './appc-image.js';
import { blockOptions } from './block-options.js';
import { appCapabilities } from './capabilities.js';
import { resourceOptions } from './resource-options.js';
import { systemCallOptions } from './system-calls.js';

/** Told what became of an isolator that is not enforced as the image states it (ace.md, "Isolators"). */
export type Report = (text: string) => void;

/**
 * The options of a container with what its App Container Image asks for (ace.md). What the caller says goes before it, and an image takes from an app what berth
 * would give it, but never adds to that: more than the specification's own default capabilities takes a flag.
 */
export function appOptions(appc: AppcImage, options: ContainerOptions, report: Report): ContainerOptions {
  const { app, name } = appc.manifest;
  const isolators = app?.isolators ?? [];
  const left = isolators.filter((each) => !handled.has(each.name));
  for (const each of left) report(`isolator ${stated(each)} is not enforced: ${whyNot(each)}`);
  return {
    ...options,
    ...resourceOptions(isolators, options, report),
    ...blockOptions(isolators, options, report),
    ...appCapabilities(isolators, options, report),
    ...systemCallOptions(isolators, options, report),
    ...(app === undefined ? {} : privilegeOptions(isolators, options, report)),
    env: [`AC_APP_NAME=${appName(name)}`, 'container=berth', ...options.env],
    groups: [...(app?.supplementaryGIDs ?? []).map(String), ...options.groups],
    // A caller's own is made where it is missing, as for any other image (aci.md, "workingDirectory").
    ...(options.workingDirectory === undefined ? { requireDirectory: true } : {}),
    ...handlerOptions(app?.eventHandlers ?? []),
    ...volumeOptions(app?.mountPoints ?? [], options),
  };
}

const handled = new Set<Isolator['name']>([
  'resource/cpu',
  'resource/memory',
  'resource/block-bandwidth',
  'resource/block-iops',
  'os/linux/cpu-shares',
  'os/linux/oom-score-adj',
  'os/linux/capabilities-retain-set',
  'os/linux/capabilities-remove-set',
  'os/linux/no-new-privileges',
  'os/linux/seccomp-retain-set',
  'os/linux/seccomp-remove-set',
]);

function stated(isolator: Isolator): string {
  return isolator.name === 'other' ? isolator.stated : isolator.name;
}

function whyNot({ name }: Isolator): string {
  if (name === 'resource/network-bandwidth') return 'berth does not limit what goes over a network';
  if (name === 'os/unix/sysctl') return "settings of a pod are its starter's to make, see --sysctl";
  if (name === 'os/linux/selinux-context') return 'berth sets no SELinux labels';
  return 'it is not known';
}

/** An AC Name out of an image's name: its last part. */
export function appName(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1);
  return last.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}

function privilegeOptions(
  isolators: readonly Isolator[],
  options: ContainerOptions,
  report: Report,
): Partial<ContainerOptions> {
  const found = isolators.find((each) => each.name === 'os/linux/no-new-privileges');
  if (found === undefined || found.name !== 'os/linux/no-new-privileges') return {};
  if (found.on) return options.noNewPrivileges === undefined ? { noNewPrivileges: true } : {};
  if (options.noNewPrivileges !== false && !options.privileged)
    report(
      'isolator os/linux/no-new-privileges false is modified: set-id bits still count for nothing, see --security-opt no-new-privileges=false',
    );
  return {};
}

function handlerOptions(
  handlers: readonly { name: string; exec: string[] }[],
): Pick<ContainerOptions, 'handlers'> {
  const of = (wanted: string) => handlers.find(({ name, exec }) => name === wanted && exec.length > 0)?.exec;
  const before = of('pre-start');
  const after = of('post-stop');
  if (before === undefined && after === undefined) return {};
  return {
    handlers: { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) },
  };
}

/** A mount point that the caller has nothing for gets an empty volume of its own; one that is read-only is so whatever lies there. */
function volumeOptions(
  points: readonly { path: string; readOnly?: boolean }[],
  options: ContainerOptions,
): Pick<ContainerOptions, 'volumes' | 'namedVolumes'> {
  const places = points.map(({ path, readOnly }) => ({
    target: normalPlace(path.startsWith('/') ? path : `/${path}`),
    readonly: readOnly === true,
  }));
  const only = new Set(places.filter(({ readonly }) => readonly).map(({ target }) => target));
  const fitted = <T extends { target: string; readonly: boolean }>(volume: T): T =>
    only.has(volume.target) ? { ...volume, readonly: true } : volume;
  const taken = new Set(
    [...options.volumes, ...options.namedVolumes, ...options.tmpfs].map(({ target }) => target),
  );
  const empty = places
    .filter(({ target }) => !taken.has(target))
    .map(({ target, readonly }): NamedVolume => ({ name: null, target, readonly, copy: false }));
  return {
    volumes: options.volumes.map(fitted),
    namedVolumes: [...options.namedVolumes.map(fitted), ...empty],
  };
}
