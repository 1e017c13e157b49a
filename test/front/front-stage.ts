import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Recipe } from '../../src/containerizer/container/recipe.js';
import { places, type Roots } from '../../src/state/roots.js';
import { project } from '../cli/berth.js';

const digestLength = 32;

/** berth's command where it can be seen whether Node was started. */
export class FrontStage {
  readonly #marker: string;
  readonly #bin: string;

  constructor(
    folder: string,
    readonly roots: Roots,
    readonly installation = project,
  ) {
    this.#bin = path.join(folder, 'node-that-tells');
    this.#marker = path.join(folder, 'node-was-started');
    mkdirSync(this.#bin, { recursive: true });
    const script = `#!/bin/sh\necho >>'${this.#marker}'\n[ -z "$INSTEAD_OF_NODE" ] || exit "$INSTEAD_OF_NODE"\nexec '${process.execPath}' "$@"\n`;
    writeFileSync(path.join(this.#bin, 'node'), script);
    chmodSync(path.join(this.#bin, 'node'), 0o755);
  }

  command(args: readonly string[], environment: Record<string, string> = {}): string[] {
    const variables = {
      PATH: `${this.#bin}:${process.env['PATH']}`,
      BERTH_ROOT: this.roots.root,
      BERTH_STATE: this.roots.state,
      ...environment,
    };
    const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    return ['env', '-u', 'NODE_OPTIONS', ...words, path.join(this.installation, 'bin/berth'), ...args];
  }

  /** Runs it to its end, and says whether that took Node. */
  run(args: readonly string[], environment: Record<string, string> = {}): Ended {
    rmSync(this.#marker, { force: true });
    const [file = '', ...words] = this.command(args, environment);
    const ended = spawnSync(file, words, { encoding: 'utf8' });
    return { ...ended, node: existsSync(this.#marker) };
  }

  /** Would it take Node? That is not started. */
  wouldTakeNode(args: readonly string[]): boolean {
    return this.run(args, { INSTEAD_OF_NODE: '99' }).node;
  }

  /** The same by Node alone. */
  byNode(args: readonly string[]): Ended {
    return this.run(args, { BERTH_FRONT: 'off' });
  }

  spawn(args: readonly string[]): ChildProcess {
    const [file = '', ...words] = this.command(args);
    return spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  recipes(): string[] {
    const folder = places.recipes(this.roots);
    return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
  }

  forget(): void {
    for (const file of this.recipes()) rmSync(file);
  }
}

export interface Ended extends SpawnSyncReturns<string> {
  node: boolean;
}

export function readRecipe(file: string): Recipe {
  return JSON.parse(readFileSync(file).toString('utf8', digestLength)) as Recipe;
}

/** As berth itself would have written it. */
export function writeRecipe(file: string, recipe: object): void {
  const content = Buffer.from(JSON.stringify(recipe));
  writeFileSync(file, Buffer.concat([createHash('sha256').update(content).digest(), content]));
}
