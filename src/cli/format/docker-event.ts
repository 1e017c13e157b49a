import type { BerthEvent } from '../../containerizer/events/event.js';

/** An event with the names that `docker events` has for it. */
export function dockerEvent(event: BerthEvent) {
  const { type, action, id, name, image, time, attributes } = event;
  const nanoseconds = /\.(\d{1,9})/.exec(time)?.[1] ?? '';
  const seconds = Math.floor(Date.parse(time) / 1000);
  return {
    ...event,
    Type: type,
    Action: action,
    Status: action,
    ID: id,
    From: image ?? '',
    Scope: 'local',
    Actor: {
      ID: id,
      Attributes: {
        ...attributes,
        ...(name === null ? {} : { name }),
        ...(image === null ? {} : { image }),
      },
    },
    Time: seconds,
    // More digits than a number keeps.
    TimeNano: `${seconds}${nanoseconds.padEnd(9, '0')}`,
  };
}
