import type { FastifyReply } from 'fastify';
import { sendLong } from '../../http/long-text.js';
import { RecordStream } from '../../http/record-stream.js';
import type { ApiServer } from '../../http/server.js';
import { version } from '../../version.js';
import { containersOf } from './containers.js';
import type { ApiContext } from './context.js';
import { addFilePages } from './file-pages.js';
import { metricsOf } from './gauges.js';
import { addInspectionPages } from './inspection-pages.js';
import { addLogPages } from './log-pages.js';
import { statePage } from './older.js';
import { openMetrics, openMetricsType } from './open-metrics.js';
import { selfPage } from './self.js';
import { flagsOf } from './views.js';

/** Bytes that may wait for a slow reader. */
const streamLimit = 4 * 1024 * 1024;

/** What is asked with GET: the older endpoints, each also below /slave(1), and berth's own. */
export function addPages(context: ApiContext, server: ApiServer): void {
  const page = (name: string, answer: (query: URLSearchParams) => unknown) =>
    server.page([`/${name}`, `/slave(1)/${name}`], answer);
  page('health', () => ({}));
  server.page(['/version'], () => ({ version }));
  server.page(['/berth/v1/self'], () => selfPage(context.agent));
  page('flags', () => ({
    flags: Object.fromEntries(flagsOf(context).map(({ name, value }) => [name, value])),
  }));
  page('state', () => statePage(context));
  page('state.json', () => statePage(context));
  server.page(['/metrics/snapshot', '/system/stats.json'], () => metricsOf(context));
  server.file(['/metrics'], (_, reply) => {
    reply.header('Content-Type', openMetricsType).send(Buffer.from(openMetrics(metricsOf(context))));
  });
  const statistics = async (_: URLSearchParams, reply: FastifyReply) => {
    const entries = await containersOf(context, { standalone: false, nested: false });
    sendLong(reply, 'application/json', context.containerTexts.page(entries));
  };
  for (const name of ['monitor/statistics', 'monitor/statistics.json', 'containers'])
    server.file([`/${name}`, `/slave(1)/${name}`], statistics);
  addFilePages(context, server);
  addInspectionPages(context, server);
  addLogPages(context, server);
  server.file(['/berth/v1/events'], (_, reply) => {
    reply.hijack();
    const headers = { 'Content-Type': 'application/recordio', 'Message-Content-Type': 'application/json' };
    context.watchers.add(new RecordStream(reply.raw, headers, streamLimit), context.agent.tasks.values());
  });
}
