import path from 'node:path';

/** Which sandbox: of what run of which executor. A task without an executor of its own has one that is called as itself. */
export interface SandboxName {
  agent: string;
  framework: string;
  executor: string;
  /** The container's id. */
  container: string;
}

/** Whether an id may stand in a path. The master has looked at it too. */
export function isPathPart(id: string): boolean {
  if (id === '' || id === '.' || id === '..' || Buffer.byteLength(id) > 255) return false;
  return [...id].every((character) => character > '\x1f' && !'/\\\x7f'.includes(character));
}

/** `slaves/AGENT/frameworks/FRAMEWORK/executors/EXECUTOR/runs/CONTAINER`, where tools for Mesos look for it. Throws RangeError. */
export function sandboxFolder(root: string, name: SandboxName): string {
  for (const id of Object.values(name) as string[])
    if (!isPathPart(id)) throw new RangeError(`${JSON.stringify(id)} cannot be part of a path`);
  const { agent, framework, executor, container } = name;
  return path.join(
    root,
    ...['slaves', agent, 'frameworks', framework, 'executors', executor, 'runs', container],
  );
}

/** A path of the files API, taken apart. `rest` is what follows the sandbox, of the task's making: nothing is known of it. */
export interface SandboxPath extends SandboxName {
  rest: string;
}

/** Of `ROOT/slaves/…`, or `/frameworks/FRAMEWORK/executors/EXECUTOR/runs/CONTAINER/…` for an agent's own. `container` may be `latest`. */
export function parseSandboxPath(root: string, agent: string, text: string): SandboxPath | undefined {
  const within = text.startsWith(`${root}/`) ? text.slice(root.length) : `/slaves/${agent}${text}`;
  const match =
    /^\/slaves\/([^/]+)\/frameworks\/([^/]+)\/executors\/([^/]+)\/runs\/([^/]+)(?:\/(.*))?$/s.exec(
      within.replace(/\/{2,}/g, '/'),
    );
  if (match === null) return undefined;
  const [, of = '', framework = '', executor = '', container = '', rest = ''] = match;
  return [of, framework, executor, container].every(isPathPart)
    ? { agent: of, framework, executor, container, rest }
    : undefined;
}

/** Where the log of a container lies once the container is gone. */
export const keptLogs = (root: string, container: string) => path.join(root, 'logs', container);
