import path from 'node:path';

/** Which sandbox: of what run of which executor. A task without an executor of its own has one that is called as itself. */
export interface SandboxPlace {
  agentId: string;
  frameworkId: string;
  executorId: string;
  containerId: string;
}

/** Whether an id may stand in a path. The master has looked at it too. */
export function isPathPart(id: string): boolean {
  if (id === '' || id === '.' || id === '..' || Buffer.byteLength(id) > 255) return false;
  return [...id].every((character) => character > '\x1f' && !'/\\\x7f'.includes(character));
}

/** `slaves/AGENT/frameworks/FRAMEWORK/executors/EXECUTOR/runs/CONTAINER`, where tools for Mesos look for it. Throws RangeError. */
export function sandboxFolder(root: string, place: SandboxPlace): string {
  const { agentId, frameworkId, executorId, containerId } = place;
  for (const id of [agentId, frameworkId, executorId, containerId])
    if (!isPathPart(id)) throw new RangeError(`${JSON.stringify(id)} cannot be part of a path`);
  return path.join(
    ...[root, 'slaves', agentId, 'frameworks', frameworkId],
    ...['executors', executorId, 'runs', containerId],
  );
}

/** A path of the files API, taken apart. `rest` is what follows the sandbox, of the task's making: nothing is known of it. */
export interface SandboxPath extends SandboxPlace {
  rest: string;
}

/** Of `ROOT/slaves/…`, or `/frameworks/FRAMEWORK/executors/EXECUTOR/runs/CONTAINER/…` for an agent's own. `containerId` may be `latest`. */
export function parseSandboxPath(root: string, agent: string, text: string): SandboxPath | undefined {
  const within = text.startsWith(`${root}/`) ? text.slice(root.length) : `/slaves/${agent}${text}`;
  const match =
    /^\/slaves\/([^/]+)\/frameworks\/([^/]+)\/executors\/([^/]+)\/runs\/([^/]+)(?:\/(.*))?$/s.exec(
      within.replace(/\/{2,}/g, '/'),
    );
  if (match === null) return undefined;
  const [, agentId = '', frameworkId = '', executorId = '', containerId = '', rest = ''] = match;
  return [agentId, frameworkId, executorId, containerId].every(isPathPart)
    ? { agentId, frameworkId, executorId, containerId, rest }
    : undefined;
}

/** Where the log of a container lies once the container is gone. */
export const keptLogs = (root: string, container: string) => path.join(root, 'logs', container);
