import type {
  AllocatorInverseOfferStatus,
  AllocatorInverseOfferStatusStatus,
  MachineID,
  MaintenanceClusterStatus,
  MaintenanceSchedule,
  Unavailability,
} from '../mesos/messages.js';

interface Machine {
  id: MachineID;
  unavailability: Unavailability;
  down: boolean;
  /** What frameworks have answered to being asked to leave. */
  answers: Map<string, AllocatorInverseOfferStatus>;
}

/** What the store keeps. */
export interface StoredMaintenance {
  schedule: MaintenanceSchedule;
  down: MachineID[];
}

/** Which machines are to be away and when. A machine is up, draining (it has a window) or down. */
export class Maintenance {
  private readonly machines = new Map<string, Machine>();
  schedule: MaintenanceSchedule = { windows: [] };

  get stored(): StoredMaintenance {
    return { schedule: this.schedule, down: this.down.map(({ id }) => id) };
  }

  restore({ schedule, down }: StoredMaintenance): void {
    this.replace(schedule);
    for (const id of down) {
      const machine = this.find(id);
      if (machine !== undefined) machine.down = true;
    }
  }

  find(id: MachineID): Machine | undefined {
    return this.machines.get(nameOf(id));
  }

  get down(): Machine[] {
    return [...this.machines.values()].filter((machine) => machine.down);
  }

  get draining(): Machine[] {
    return [...this.machines.values()].filter((machine) => !machine.down);
  }

  /** Why a schedule cannot be taken; undefined: it can. */
  invalid(schedule: MaintenanceSchedule): string | undefined {
    const seen = new Set<string>();
    for (const { machine_ids = [], unavailability } of schedule.windows ?? []) {
      if (machine_ids.length === 0) return 'List of machines in the maintenance window is empty';
      const duration = unavailability.duration?.nanoseconds;
      if (duration !== undefined && duration < 0) return 'Unavailability has a negative duration';
      for (const id of machine_ids) {
        if ((id.hostname ?? '') === '' && (id.ip ?? '') === '')
          return 'Both hostname and ip of a machine are empty';
        if (seen.has(nameOf(id))) return `Machine '${nameOf(id)}' appears more than once in the schedule`;
        seen.add(nameOf(id));
      }
    }
    const forgotten = this.down.find((machine) => !seen.has(nameOf(machine.id)));
    return forgotten === undefined
      ? undefined
      : `Machine '${nameOf(forgotten.id)}' is deactivated and cannot be removed from the schedule`;
  }

  /** Gives back the machines whose times have changed, the ones without any window now among them. */
  replace(schedule: MaintenanceSchedule): MachineID[] {
    const before = new Map(this.machines);
    this.schedule = schedule;
    this.machines.clear();
    const changed: MachineID[] = [];
    for (const { machine_ids = [], unavailability } of schedule.windows ?? [])
      for (const id of machine_ids) {
        const known = before.get(nameOf(id));
        const same = known !== undefined && sameTimes(known.unavailability, unavailability);
        this.machines.set(
          nameOf(id),
          same ? known : { id, unavailability, down: known?.down ?? false, answers: new Map() },
        );
        if (!same) changed.push(id);
        before.delete(nameOf(id));
      }
    return [...changed, ...[...before.values()].map(({ id }) => id)];
  }

  /** Its window is over: the machine is up again. */
  stop(ids: readonly MachineID[]): void {
    const gone = new Set(ids.map(nameOf));
    const windows = (this.schedule.windows ?? [])
      .map((window) => ({
        ...window,
        machine_ids: (window.machine_ids ?? []).filter((id) => !gone.has(nameOf(id))),
      }))
      .filter(({ machine_ids }) => machine_ids.length > 0);
    this.schedule = { windows };
    for (const name of gone) this.machines.delete(name);
  }

  answer(id: MachineID, framework: string, status: AllocatorInverseOfferStatusStatus, now: number): void {
    this.find(id)?.answers.set(framework, {
      status,
      framework_id: { value: framework },
      timestamp: { nanoseconds: now },
    });
  }

  get status(): MaintenanceClusterStatus {
    return {
      draining_machines: this.draining.map(({ id, answers }) => ({ id, statuses: [...answers.values()] })),
      down_machines: this.down.map(({ id }) => id),
    };
  }
}

/** Machines are the same where host name and address are. */
export function nameOf(id: MachineID): string {
  return `${(id.hostname ?? '').toLowerCase()} ${id.ip ?? ''}`.trim();
}

function sameTimes(a: Unavailability, b: Unavailability): boolean {
  return a.start.nanoseconds === b.start.nanoseconds && a.duration?.nanoseconds === b.duration?.nanoseconds;
}
