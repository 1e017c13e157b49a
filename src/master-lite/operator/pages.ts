import type { ApiServer } from '../../http/server.js';
import type { Cluster } from '../cluster.js';
export function addPages(cluster: Cluster, server: ApiServer): void {
  server.page(['/health'], () => ({}));
  cluster;
}
