import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { readContainer } from '../../containerizer/container/catalogue.js';
import {
  followLogs,
  type LogRecord,
  type LogSelection,
  readLogFolder,
} from '../../containerizer/container/logs.js';
import { HttpError } from '../../http/http-error.js';
import type { ApiServer } from '../../http/server.js';
import type { ApiContext } from './context.js';
import { needed, wholeNumber } from './query.js';

/**
 * `GET /berth/v1/logs?sandbox&tail&since&until&follow`: the log of the container of a sandbox (a path of the files API), one JSON object a line: `time`, `stream`, `text` in base64, `partial`. With
 * `follow=1` also what is written from now on, until it has ended.
 */
export function addLogPages({ agent, files }: ApiContext, server: ApiServer): void {
  const logs = (query: URLSearchParams, reply: FastifyReply) => {
    const id = files.containerOf(needed(query, 'sandbox'));
    const selection = selectionOf(query);
    const container = readContainer(agent.roots, id);
    // A task that says nothing would hold what follows it for ever.
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const follows = query.get('follow') === '1' && container?.state === 'running';
    const records = follows
      ? followLogs(agent.roots, container, selection, gone.signal)
      : readLogFolder(files.logsOf(id), selection);
    reply
      .header('Content-Type', 'application/x-ndjson')
      .send(Readable.from(lines(records), { highWaterMark: 16 }));
  };
  server.file(['/berth/v1/logs'], logs, 'read_sandboxes');
}

async function* lines(records: Iterable<LogRecord> | AsyncIterable<LogRecord>): AsyncGenerator<Buffer> {
  for await (const { time, stream, text, partial } of records)
    yield Buffer.from(`${JSON.stringify({ time, stream, text: text.toString('base64'), partial })}\n`);
}

function selectionOf(query: URLSearchParams): LogSelection {
  const tail = wholeNumber(query, 'tail');
  const [since, until] = ['since', 'until'].map((name) => query.get(name) ?? undefined);
  for (const time of [since, until])
    if (time !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time))
      throw new HttpError(400, 'A time is RFC 3339 in UTC with nanoseconds');
  return {
    ...(tail !== undefined && { tail }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}
