import { jsonText } from '../../mesos/codec.js';
import { messageWriter } from '../../mesos/json-write.js';
import type { AgentResponseGetContainersContainer as Entry } from '../../mesos/messages.js';
import { messageType } from '../../mesos/schema.js';

/** A thousand containers in JSON. Who asks often is told of most what the one before was told: the text of each is kept until there is another entry for it (`containersOf`). */
export class ContainerTexts {
  private readonly inAnswer = new Texts(answered);
  private readonly onPage = new Texts((entry) => JSON.stringify(shown(entry)));

  /** Of GET_CONTAINERS. */
  answer(entries: readonly Entry[]): string[] {
    return ['{"type":"GET_CONTAINERS","get_containers":{"containers":', ...this.inAnswer.list(entries), '}}'];
  }

  /** Of /monitor/statistics. */
  page(entries: readonly Entry[]): string[] {
    return this.onPage.list(entries);
  }
}

/** Their JSON as an array, in pieces. */
export function arrayOf(texts: readonly string[]): string[] {
  return ['[', ...texts.flatMap((text, i) => (i === 0 ? [text] : [',', text])), ']'];
}

class Texts {
  private readonly texts = new WeakMap<Entry, string>();

  constructor(private readonly make: (entry: Entry) => string) {}

  list(entries: readonly Entry[]): string[] {
    return arrayOf(entries.map((entry) => this.textOf(entry)));
  }

  private textOf(entry: Entry): string {
    let text = this.texts.get(entry);
    if (text === undefined) {
      text = this.make(entry);
      this.texts.set(entry, text);
    }
    return text;
  }
}

/** In ASCII. */
function answered(entry: Entry): string {
  return jsonText(messageWriter(messageType('mesos.v1.agent.Response.GetContainers.Container'))(entry));
}

function shown({
  executor_id,
  executor_name = '',
  framework_id,
  container_id,
  resource_statistics,
  container_status,
}: Entry) {
  const executor = executor_id?.value ?? '';
  return {
    executor_id: executor,
    executor_name,
    framework_id: framework_id?.value ?? '',
    source: executor,
    container_id: container_id.value,
    statistics: resource_statistics ?? {},
    status: container_status ?? {},
  };
}
