import { bytes } from '../../inspect/quantity.js';
import type { Usage } from '../../inspect/usage.js';

/** What one container uses, with the names and the looks that `docker stats` has for it. */
export function dockerStats(usage: Usage, trunc: boolean) {
  const { id, name } = usage;
  const pair = (one: number | null, other: number | null) => `${shown(one)} / ${shown(other)}`;
  return {
    ...usage,
    Container: name,
    ID: trunc ? id.slice(0, 12) : id,
    Name: name,
    CPUPerc: percent(usage.cpu_percent),
    MemUsage: pair(usage.memory_working_set, usage.memory_limit),
    MemPerc: percent(usage.memory_percent),
    NetIO: pair(usage.net_received_bytes, usage.net_sent_bytes),
    BlockIO: pair(usage.io_read_bytes, usage.io_write_bytes),
    PIDs: usage.threads ?? unknown,
  };
}

/** As Docker shows what it does not know. */
const unknown = '--';

function shown(value: number | null): string {
  return value === null ? unknown : bytes(value);
}

function percent(value: number | null): string {
  return value === null ? unknown : `${value.toFixed(2)}%`;
}
