import type { Exchange } from '../../http/exchange.js';
import type { Cluster } from '../cluster.js';
export function operatorCall(cluster: Cluster, exchange: Exchange): void {
  cluster;
  exchange.done();
}
