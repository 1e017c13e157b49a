import type { LaunchRequest } from '../../native/index.js';
import type { RuntimeConfig, Seccomp } from '../../oci-spec/runtime.js';

/** config.json as the native launcher takes it. */
export type ConfigText = Pick<LaunchRequest, 'config' | 'seccomp' | 'configEnd'>;

/** Most of a config.json is its filter, and a process launches with the same few: each is written out once. */
const written = new WeakMap<Seccomp, string>();

const member = '"seccomp":';

/** The three parts together are what JSON.stringify makes of the document. */
export function configText(config: RuntimeConfig): ConfigText {
  const { seccomp } = config.linux;
  if (seccomp === undefined) return whole(config);
  const rest = JSON.stringify({ ...config, linux: { ...config.linux, seccomp: null } });
  // In a string its quotes would be escaped, and no other member is called so with nothing in it.
  const place = rest.indexOf(`${member}null`);
  if (place < 0 || place !== rest.lastIndexOf(`${member}null`)) return whole(config);
  const start = place + member.length;
  return {
    config: rest.slice(0, start),
    seccomp: textOf(seccomp),
    configEnd: rest.slice(start + 'null'.length),
  };
}

function whole(config: RuntimeConfig): ConfigText {
  return { config: JSON.stringify(config) };
}

function textOf(seccomp: Seccomp): string {
  let text = written.get(seccomp);
  if (text === undefined) {
    text = JSON.stringify(seccomp);
    written.set(seccomp, text);
  }
  return text;
}
