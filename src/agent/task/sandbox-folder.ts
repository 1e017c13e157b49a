import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

export interface SandboxPlace {
  agentId: string;
  frameworkId: string;
  executorId: string;
  containerId: string;
}

/** Where the sandbox of one run lies, as the reference has it. */
export function sandboxFolder(sandboxes: string, place: SandboxPlace): string {
  return path.join(runsFolder(sandboxes, place), place.containerId);
}

function runsFolder(sandboxes: string, { agentId, frameworkId, executorId }: SandboxPlace): string {
  return path.join(sandboxes, 'slaves', agentId, 'frameworks', frameworkId, 'executors', executorId, 'runs');
}

/** Makes it, and `latest` lead to it. */
export function makeSandbox(sandboxes: string, place: SandboxPlace): string {
  const folder = sandboxFolder(sandboxes, place);
  mkdirSync(sandboxes, { recursive: true, mode: 0o700 });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const latest = path.join(runsFolder(sandboxes, place), 'latest');
  const making = `${latest}.${place.containerId}`;
  rmSync(making, { force: true });
  symlinkSync(place.containerId, making);
  renameSync(making, latest);
  return folder;
}
