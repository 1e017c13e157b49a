import t from 'tap';
import { type Codec, jsonCodec, protobufCodec } from '../../src/mesos/codec.js';
import type {
  FrameworkInfo,
  MasterCall,
  MasterResponse,
  OfferOperation,
  Resource,
} from '../../src/mesos/messages.js';
import { post, SchedulerClient } from './scheduler-client.js';
import { StagedMaster, until } from './staged-master.js';

async function operator(
  staged: StagedMaster,
  call: MasterCall,
  codec: Codec = jsonCodec,
): Promise<Partial<MasterResponse>> {
  const { status, body } = await post(staged.url, '/api/v1', {
    body: codec.encode('mesos.v1.master.Call', call),
    headers: { 'Content-Type': codec.contentType, Accept: codec.contentType },
  });
  if (status !== 200) throw new Error(`${call.type}: ${status} ${body}`);
  return body.length > 0 ? codec.decode('mesos.v1.master.Response', body) : {};
}

t.test('what became of an operation is told until it is acknowledged', async (t) => {
  const staged = await StagedMaster.open(t, { operationRetry: 0.1 });
  const agent = staged.agent();
  const info: Partial<FrameworkInfo> = {
    roles: ['store'],
    failover_timeout: 3600,
    capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
  };
  const client = new SchedulerClient(staged.url);
  t.after(() => client.close());
  await client.subscribe(info);
  const told = () => client.events.flatMap((event) => event.update_operation_status?.status ?? []);
  const last = () => told().at(-1);
  const reservations = [{ type: 'DYNAMIC' as const, role: 'store' }];
  const disk = { name: 'disk', type: 'SCALAR' as const, scalar: { value: 100 }, reservations };
  const reserve = async (id: string) => {
    const { id: offer } = await client.offer('disk');
    client.offers.clear();
    const operations = [{ type: 'RESERVE' as const, id: { value: id }, reserve: { resources: [disk] } }];
    const filters = { refuse_seconds: 0 };
    await client.call({ type: 'ACCEPT', accept: { offer_ids: [offer], operations, filters } });
  };
  const reconcile = (...operations: { operation_id: { value: string }; agent_id?: { value: string } }[]) =>
    client.call({ type: 'RECONCILE_OPERATIONS', reconcile_operations: { operations } });
  const applied = () => agent.orders.filter((type) => type === 'APPLY').length;
  const restart = async () => {
    await staged.restart();
    await until('the agent is back', () => agent.connected);
    client.offers.clear();
    await client.subscribe(info);
  };

  const refused = async (operation: OfferOperation) => {
    const { id: offer } = await client.offer('disk');
    client.offers.clear();
    const before = told().length;
    const operations = [{ ...operation, id: { value: 'd' } }];
    const filters = { refuse_seconds: 0 };
    await client.call({ type: 'ACCEPT', accept: { offer_ids: [offer], operations, filters } });
    await until('an answer', () => told().length > before);
    return `${last()?.state}: ${last()?.message}`;
  };
  const raw = { ...disk, disk: { source: { type: 'RAW' as const, profile: 'fast' } } };
  const provided = { ...raw, provider_id: { value: 'pool' } };
  const none = "OPERATION_ERROR: 'source' is not managed by a resource provider";
  const make = (source: Resource) =>
    refused({ type: 'CREATE_DISK', create_disk: { source, target_type: 'MOUNT' } });
  t.equal(await make(disk), none, 'no agent has a pool of storage, as in the reference');
  t.equal(await make(raw), none);
  t.match(await make(provided), /^OPERATION_ERROR: .*'pool'/, 'nor one that a framework makes up');
  t.match(await make({ ...disk, scalar: { value: -1 } }), /^OPERATION_ERROR: Invalid resource: /);
  t.equal(await refused({ type: 'DESTROY_DISK', destroy_disk: { source: raw } }), none);
  t.equal(staged.master.cluster.operations.size, 0, 'nobody has to acknowledge that');
  client.events.length = 0;

  agent.applies = false;
  await reserve('r');
  await until('the agent is told', () => applied() === 1);
  t.equal(last(), undefined, 'nobody has said that it is done');
  await reconcile();
  await until('an answer', () => last() !== undefined);
  t.match(last(), { operation_id: { value: 'r' }, state: 'OPERATION_PENDING', uuid: undefined });
  await reserve('r');
  await until('a refusal', () => last()?.state === 'OPERATION_ERROR');
  t.match(last(), { message: /there already/ });
  await restart();
  await until('the agent is told again', () => applied() === 2);
  agent.applies = true;
  agent.cut();
  agent.connect();
  await until('it is done', () => last()?.state === 'OPERATION_FINISHED');
  const { uuid } = last() ?? {};
  t.match(last(), { converted_resources: [{ name: 'disk' }], agent_id: { value: agent.id } });
  t.equal(uuid?.value.length, 16);
  await until(
    'it is said again',
    () => told().filter(({ state }) => state === 'OPERATION_FINISHED').length > 2,
  );
  await until('the agent may forget it', () => agent.orders.includes('ACKNOWLEDGE_OPERATION'));
  client.events.length = 0;
  await restart();
  await until('and by the next master', () => last()?.state === 'OPERATION_FINISHED');
  t.strictSame(last()?.uuid, uuid);
  const acknowledge = (bytes: Uint8Array) =>
    client.call({
      type: 'ACKNOWLEDGE_OPERATION_STATUS',
      acknowledge_operation_status: { operation_id: { value: 'r' }, uuid: bytes },
    });
  const known = () => staged.master.cluster.operations.size;
  t.equal(await acknowledge(Buffer.alloc(15)), 400);
  await acknowledge(Buffer.alloc(16));
  t.equal(known(), 1, 'that was another status');
  const { get_operations } = await operator(staged, { type: 'GET_OPERATIONS' }, protobufCodec);
  t.match(get_operations?.operations, [
    {
      framework_id: { value: client.id },
      info: { type: 'RESERVE' },
      latest_status: { state: 'OPERATION_FINISHED' },
    },
  ]);
  await acknowledge(uuid?.value ?? Buffer.alloc(16));
  t.equal(known(), 0);
  await reconcile({ operation_id: { value: 'r' }, agent_id: { value: agent.id ?? '' } });
  await until('it is unknown', () => last()?.state === 'OPERATION_UNKNOWN');

  agent.applies = false;
  await reserve('lost');
  await until('it is told', () => applied() === 4);
  await operator(staged, {
    type: 'MARK_AGENT_GONE',
    mark_agent_gone: { agent_id: { value: agent.id ?? '' } },
  });
  await until('it is gone', () => last()?.state === 'OPERATION_GONE_BY_OPERATOR');
  t.match(last(), { operation_id: { value: 'lost' }, uuid: undefined });
  t.equal(known(), 0);
});
