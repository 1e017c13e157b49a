import {
  chmodSync,
  chownSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describeConfig } from '../../src/containerizer/container/describe/config.js';
import { newResources } from '../../src/containerizer/container/describe/resources.js';
import { containerIds } from '../../src/containerizer/host/id-range.js';
import type { RuntimeConfig } from '../../src/oci-spec/runtime.js';
import { plainOptions } from '../plain-options.js';
import { busybox, busyboxCommands, busyboxFolders, openFolder, type Workspace } from '../workspace.js';

/**
 * An OCI bundle with the very config.json that berth writes for itself: the same filter, capabilities, namespaces, id map, mounts,
 * masks and device rules. Two things differ, both to the peer's advantage: its root file system is a plain folder that belongs
 * to the mapped ids already, where berth mounts an overlay on id-mapped layers; and nobody keeps its output.
 */
export function writeBundle(
  workspace: Workspace,
  id: string,
  firstId: number,
  v1: Record<string, string>,
): string {
  const bundle = openFolder(workspace.directory, id);
  writeRoot(openFolder(bundle, 'rootfs'), firstId);
  const group = path.join(workspace.cgroupParent, id);
  const config: RuntimeConfig = describeConfig({
    id,
    options: plainOptions(['/bin/true']),
    image: { os: 'linux', architecture: 'any', rootfs: { type: 'layers', diff_ids: [] } },
    idRange: { first: firstId, size: containerIds.size },
    nameService: [],
    networkSettings: {},
    resources: newResources(
      {},
      {
        has: (name) => Object.keys(v1).length === 0 || Object.hasOwn(v1, name),
        limitsSwap: false,
      },
    ),
    cgroup: {
      layout: 'legacy',
      unified: null,
      supervisors: null,
      scope: null,
      unifiedControls: Object.keys(v1).length === 0,
      v1: Object.fromEntries(Object.entries(v1).map(([name, mount]) => [name, path.join(mount, group)])),
    },
  });
  config.linux.cgroupsPath = group;
  writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

function writeRoot(root: string, owner: number): void {
  mkdirSync(path.join(root, 'bin'));
  const program = path.join(root, busybox);
  copyFileSync(busybox, program);
  chmodSync(program, 0o755);
  for (const name of busyboxCommands) symlinkSync('busybox', path.join(root, 'bin', name));
  for (const name of busyboxFolders) mkdirSync(path.join(root, name));
  for (const name of ['', 'bin', busybox, ...busyboxFolders]) chownSync(path.join(root, name), owner, owner);
  for (const name of busyboxCommands) lchownSync(path.join(root, 'bin', name), owner, owner);
}
