import type { Summary } from './statistics.js';

/** One comparison. Its members are a contract: see docs/guides/benchmarks.md. */
export interface Row {
  name: string;
  /** Null: no peer was found on this host. */
  peer: string | null;
  unit: string;
  ours: number;
  peer_value: number | null;
  /** ours / peer_value: below 1, berth takes less. */
  ratio: number | null;
}

/** A series behind a row: who was measured, and how the samples spread. */
export interface Series extends Summary {
  name: string;
  subject: string;
  unit: string;
}

export interface BenchDocument {
  rows: Row[];
  details: {
    host: { kernel: string; cpus: number; cpu_model: string; node: string; load_average: number };
    versions: Record<string, string>;
    skipped: { peer: string; reason: string }[];
    series: Series[];
    /** How many containers there were at once, of ours and of the peer's. */
    density?: { containers: number; peer_containers: number };
  };
}

/** Compares the medians. The ratio is that of the figures shown, so that a reader can check it. */
export function compare(ours: Series, peer: Series | undefined): Row {
  const [own, other] = [significant(ours.median), peer === undefined ? null : significant(peer.median)];
  return {
    name: ours.name,
    peer: peer?.subject ?? null,
    unit: ours.unit,
    ours: own,
    peer_value: other,
    ratio: other === null || other === 0 ? null : significant(own / other),
  };
}

const digits = 4;

/** More digits than that are noise. */
export function significant(value: number): number {
  return Number(value.toPrecision(digits));
}
