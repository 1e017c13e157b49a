/** One line of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface Mount {
  id: string;
  parent: string;
  /** The directory of the file system that is mounted here: `/`, or below it for a bind mount. */
  root: string;
  point: string;
  type: string;
  /** Options of the file system itself, e.g. the controllers of a cgroup v1 hierarchy. */
  superOptions: string[];
}

/** Every mount of the table, hidden ones too. A line that does not parse is no mount. */
export function parseMountTable(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [own, filesystem] = line.split(' - ');
    const [id, parent, , root, point] = own?.split(' ') ?? [];
    const [type, , superOptions] = filesystem?.split(' ') ?? [];
    if (id === undefined || parent === undefined || root === undefined || point === undefined) return [];
    if (type === undefined || superOptions === undefined) return [];
    return [
      {
        id,
        parent,
        root: unescapeOctal(root),
        point: unescapeOctal(point),
        type,
        superOptions: superOptions.split(','),
      },
    ];
  });
}

/** Is the mount what its path leads to? Not when another mount lies on it, or on a directory on the way to it. */
export function isVisible(mount: Mount, table: readonly Mount[]): boolean {
  const hidden = table.some(
    (other) =>
      (other.parent === mount.id && other.point === mount.point && other !== mount) ||
      (other.parent === mount.parent && mount.point.startsWith(`${other.point}/`)),
  );
  if (hidden) return false;
  const parent = table.find((other) => other.id === mount.parent && other !== mount);
  return parent === undefined || isVisible(parent, table);
}

/** Space, tab, newline and backslash are written as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
