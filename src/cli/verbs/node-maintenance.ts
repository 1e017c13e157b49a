import { InvalidArgumentError } from 'commander';
import type { MachineID, MaintenanceWindow } from '../../mesos/messages.js';
import { MasterClient, masterFlag } from '../cluster/master-client.js';
import { findNode, timeOf } from '../cluster/nodes.js';
import { instant } from '../instant.js';
import { usageError } from '../report.js';
import { type Column, table } from '../table.js';
import type { Verb } from '../verb.js';

interface Flags {
  master?: string;
  from?: string;
  for?: number;
  begin?: true;
  end?: true;
}

export const verb: Verb = {
  summary: 'Show or plan when nodes are away, and take them down and up',
  example: 'berth node maintenance --from 2026-12-01T22:00:00Z --for 2h rack1-host7',
  declare(command) {
    masterFlag(command)
      .argument('[node]', 'without one, and without flags, the plan is shown')
      .option('--from <time>', 'plan: it is away from then on (RFC 3339)', instant)
      .option('--for <duration>', 'plan: so long, e.g. 90m, 2h', duration)
      .option('--begin', 'the node goes down now: its tasks are gone, and it is not let in until --end')
      .option('--end', 'the node is up again; its window is taken out of the plan');
  },
  async run({ json, out }, [name], given) {
    const flags = given as Flags;
    const client = new MasterClient(flags);
    const { schedule } = await client.ask({ type: 'GET_MAINTENANCE_SCHEDULE' }, 'get_maintenance_schedule');
    if (name === undefined) {
      out(show(schedule.windows ?? [], json));
      return 0;
    }
    const machine = await machineOf(client, name);
    if (flags.begin === true)
      await client.tell({ type: 'START_MAINTENANCE', start_maintenance: { machines: [machine] } });
    else if (flags.end === true)
      await client.tell({ type: 'STOP_MAINTENANCE', stop_maintenance: { machines: [machine] } });
    else if (flags.from !== undefined) {
      const window: MaintenanceWindow = {
        machine_ids: [machine],
        unavailability: {
          start: { nanoseconds: Date.parse(flags.from) * 1e6 },
          ...(flags.for !== undefined && { duration: { nanoseconds: flags.for * 1e9 } }),
        },
      };
      const others = (schedule.windows ?? [])
        .map((each) => ({
          ...each,
          machine_ids: (each.machine_ids ?? []).filter((id) => !same(id, machine)),
        }))
        .filter(({ machine_ids }) => machine_ids.length > 0);
      await client.tell({
        type: 'UPDATE_MAINTENANCE_SCHEDULE',
        update_maintenance_schedule: { schedule: { windows: [...others, window] } },
      });
    } else
      throw usageError(
        'node maintenance',
        'nothing to do',
        'Give --from TIME, --begin or --end with the node.',
      );
    out(json ? `${JSON.stringify({ machine })}\n` : `${machine.hostname}\n`);
    return 0;
  },
};

/** A node that is down is not among the nodes any more: then the name is taken as it is. */
async function machineOf(client: MasterClient, name: string): Promise<MachineID> {
  const { status } = await client.ask({ type: 'GET_MAINTENANCE_STATUS' }, 'get_maintenance_status');
  const down = status.down_machines?.find((id) => id.hostname === name);
  return down ?? { hostname: (await findNode(client, name)).name };
}

const same = (a: MachineID, b: MachineID) => a.hostname === b.hostname && (a.ip ?? '') === (b.ip ?? '');

function show(windows: readonly MaintenanceWindow[], json: boolean): string {
  const rows = windows.flatMap(({ machine_ids = [], unavailability: { start, duration } }) =>
    machine_ids.map((id) => ({
      name: id.hostname ?? id.ip ?? '',
      start: timeOf(start.nanoseconds),
      duration_seconds: duration === undefined ? null : duration.nanoseconds / 1e9,
    })),
  );
  if (json) return `${JSON.stringify({ windows: rows })}\n`;
  return table(
    columns,
    rows.map((row) => [
      row.name,
      row.start ?? '-',
      row.duration_seconds === null ? '-' : `${row.duration_seconds}s`,
    ]),
  );
}

const columns: Column[] = [{ header: 'NAME' }, { header: 'FROM' }, { header: 'FOR', align: 'right' }];

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It is a duration: 90m, 2h, 1d.');
  return Number(match[1]) * (units[match[2] ?? ''] ?? 1);
}
