import { buildIdentity } from '../installation.js';
import { version } from '../version.js';

/** What every daemon says of its own process, at `/berth/v1/self`. */
export interface Self {
  daemon: string;
  version: string;
  /** Of the code that runs; null: it was not bundled. */
  build: string | null;
  pid: number;
  /** RFC 3339. */
  started_at: string;
  /** Bytes of memory. */
  memory: number;
  /** Of its API, HOST:PORT. */
  endpoint: string;
}

export function selfOf(daemon: string, endpoint: string): Self {
  return {
    ...{ daemon, version, endpoint },
    build: buildIdentity ?? null,
    pid: process.pid,
    started_at: new Date(Date.now() - process.uptime() * 1000).toISOString(),
    memory: process.memoryUsage.rss(),
  };
}
