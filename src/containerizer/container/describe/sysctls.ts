import { BerthError } from '../../../errors/berth-error.js';
import type { ContainerOptions } from '../options.js';

/** The settings that a namespace has for itself (namespaces(7)), and how to say that the container has that namespace. */
const isolated: { pattern: RegExp; own(options: ContainerOptions): boolean; flag: string }[] = [
  {
    pattern: /^(kernel\/(shm\w+|msg\w+|sem)|fs\/mqueue\/\w+)$/,
    own: ({ ipc }) => ipc === 'private' || ipc === 'shareable' || ipc === 'none',
    flag: '--ipc',
  },
  { pattern: /^kernel\/domainname$/, own: ({ uts }) => uts === 'private', flag: '--uts' },
  {
    pattern: /^net\/[\w./-]+$/,
    own: ({ network }) => network !== 'host' && typeof network === 'string',
    flag: '--network',
  },
];

/** What `--sysctl` asks for, by the path below /proc/sys. */
export function sysctls(options: ContainerOptions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options.sysctls).map(([name, value]) => [checkedPath(name, options), value]),
  );
}

/** `net.ipv4.ip_forward` and `net/ipv4/ip_forward` are the same; with slashes, a dot is part of a name (sysctl(8)). */
function checkedPath(name: string, options: ContainerOptions): string {
  const path = name.includes('/') ? name : name.replaceAll('.', '/');
  const refused = (why: string, mend?: string) =>
    new BerthError('USAGE', { what: `--sysctl ${name}`, why, ...(mend === undefined ? {} : { mend }) });
  const kind = path.split('/').some((part) => part === '' || part === '.' || part === '..')
    ? undefined
    : isolated.find(({ pattern }) => pattern.test(path));
  if (kind === undefined) {
    throw refused(
      'it is no setting that a container has for itself',
      'These are: kernel.shm*, kernel.msg*, kernel.sem, kernel.domainname, fs.mqueue.*, net.*.',
    );
  }
  if (!kind.own(options))
    throw refused(`with ${kind.flag} it is a setting of the host or of another container`);
  return path;
}
