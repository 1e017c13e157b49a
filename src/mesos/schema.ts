import { readFileSync } from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';
import { installationFolder } from '../installation.js';
import type { Messages } from './messages.js';

export type MessageName = keyof Messages;

// The build copies src/mesos/proto there.
const folder = path.join(installationFolder, 'dist/proto');
// Each is loaded with all that it imports.
const files = ['master.proto', 'executor.proto', 'agent.proto', 'berth.proto'];

let loaded: protobuf.Root | undefined;
const types = new Map<MessageName, protobuf.Type>();

/** The reflected type of a message, from src/mesos/proto; read on first use. */
export function messageType(name: MessageName): protobuf.Type {
  let type = types.get(name);
  if (type === undefined) {
    loaded ??= load();
    type = loaded.lookupType(name);
    types.set(name, type);
  }
  return type;
}

function load(): protobuf.Root {
  const root = new protobuf.Root();
  const done = new Set<string>();
  const read = (name: string) => {
    if (done.has(name)) return;
    done.add(name);
    const file = path.join(folder, name);
    const parsed = protobuf.parse(readFileSync(file, 'utf8'), root, { keepCase: true });
    for (const imported of parsed.imports ?? []) read(imported);
  };
  for (const file of files) read(file);
  root.resolveAll();
  return root;
}
