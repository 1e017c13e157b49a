import { createRequire } from 'node:module';
import path from 'node:path';
import type { Test } from 'tap';
import { installationFolder } from '../../src/installation.js';
import {
  copying,
  type ExecRequest,
  type LaunchRequest,
  type Native,
  native,
} from '../../src/native/index.js';

/** How often a weakness was chosen. */
let chosen = 0;

const folder = path.join(installationFolder, 'build-weak/Release');
export const weakenedFiles = ['berth.node', 'berth-init', 'berth-copy'].map((name) =>
  path.join(folder, name),
);

/** Puts the weakened build in the place of the real one, in this process, until the test ends. */
export function useWeakenedBuild(t: Test): void {
  const [addon = '', supervisor = '', copy = ''] = weakenedFiles;
  const { program } = copying;
  const real = { ...native() };
  const weak = createRequire(import.meta.url)(addon) as Native;
  // Spelt anew for each weakness: the launcher keeps the program of a path that it has opened.
  const spelling = () => `${path.dirname(supervisor)}/${'./'.repeat(chosen)}berth-init`;
  const launch = (request: LaunchRequest) => weak.launch({ ...request, supervisor: spelling() });
  const exec = (request: ExecRequest) => weak.exec({ ...request, supervisor: spelling() });
  Object.assign(native(), weak, { launch, exec });
  copying.program = copy;
  t.teardown(() => {
    Object.assign(native(), real);
    copying.program = program;
  });
}

/** Does something without one of the defences; only the weakened build listens. */
export async function without<T>(defence: string, action: () => Promise<T>): Promise<T> {
  process.env['BERTH_WEAKNESS'] = defence;
  copying.environment = { BERTH_WEAKNESS: defence };
  ++chosen;
  try {
    return await action();
  } finally {
    delete process.env['BERTH_WEAKNESS'];
    copying.environment = {};
  }
}
