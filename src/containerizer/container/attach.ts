import { Socket } from 'node:net';
import path from 'node:path';
import { BerthError } from '../../errors/berth-error.js';
import { isNativeError, native } from '../../native/index.js';
import type { RuntimeConfig } from '../../oci-spec/runtime.js';
import { readJson } from '../../state/json-file.js';
import { places, type Roots } from '../../state/roots.js';
import type { Container } from './catalogue.js';
import { saysNobodyListens } from './control.js';
import type { ExitDocument } from './document.js';
import { describeErrno } from './launch-error.js';
import { readLines } from './leash.js';
import { descriptors, type LaunchClient } from './program.js';
import { waitForExit } from './wait.js';

/** A container whose streams this process's are, beside those of others. */
export interface AttachedContainer {
  ended: Promise<ExitDocument>;
  signal(number: number): void;
  resize(rows: number, columns: number): void;
  release(): void;
}

/** What its first process has for stdio. */
export function stdioOf(roots: Roots, container: Container): { terminal: boolean; input: boolean } {
  if (container.state !== 'running') throw notRunning(container);
  const folder = places.run(roots, container.document.id);
  const { process } = readJson(path.join(folder, 'config.json')) as RuntimeConfig;
  const { input } = readJson(path.join(folder, 'launch.json')) as { input?: boolean };
  return { terminal: process.terminal, input: input === true };
}

/** Hands this process's descriptors to the container's supervisor, which never waits for a slow reader among those that are attached. */
export async function attachTo(
  roots: Roots,
  container: Container,
  client: LaunchClient,
): Promise<AttachedContainer> {
  const { name } = container.document;
  const socket = new Socket({ fd: connect(roots, container, client), readable: true, writable: true });
  const lines = readLines(socket);
  const first = await lines.next();
  if (first.done === true) throw notRunning(container);
  const { value } = first;
  if (value.kind !== 'attached' || value.errno !== 0) {
    socket.destroy();
    throw new BerthError('CONTAINER_STATE', {
      what: `container ${name}`,
      why:
        value.kind === 'attached'
          ? `nobody else can be attached (${describeErrno(value.errno)})`
          : 'its supervisor is of a version that knows no attaching',
    });
  }
  const listen = async (): Promise<ExitDocument> => {
    let exit: ExitDocument | undefined;
    for await (const line of lines) {
      if (line.kind === 'exited') exit = line.exit;
      else client.tell?.(line);
    }
    return exit ?? waitForExit(roots, container);
  };
  const say = (line: string) => void socket.write(`${line}\n`);
  return {
    ended: listen(),
    signal: (number) => say(`signal ${number}`),
    resize: (rows, columns) => say(`resize ${rows} ${columns}`),
    release: () => void socket.destroy(),
  };
}

function connect(roots: Roots, container: Container, client: LaunchClient): number {
  try {
    return native().attach({
      folder: places.run(roots, container.document.id),
      request: `attach ${client.detachKeys ?? ''}`,
      ...descriptors(client),
    });
  } catch (error) {
    if (isNativeError(error) && saysNobodyListens(error.code)) throw notRunning(container);
    throw error;
  }
}

function notRunning({ document }: Container): BerthError {
  return new BerthError('CONTAINER_STATE', {
    what: `container ${document.name}`,
    why: 'it is not running',
    mend: `What it wrote: berth logs ${document.name}.`,
  });
}
