import { duration } from '../../inspect/quantity.js';
import { megabytes } from '../image-progress.js';

/** What `image history` tells of a step. */
export interface StepTold {
  diff_id: string | null;
  created: string | null;
  created_by: string;
  author: string;
  comment: string;
  /** Bytes. */
  size: number;
}

/** With the names that `docker history` has for it. Its ids of images in between are those of the layers here. */
export function dockerHistory(told: StepTold, trunc: boolean) {
  const { diff_id: id, created, created_by: command, comment, size } = told;
  return {
    ...told,
    ID: id === null ? '<missing>' : trunc ? id.slice(7, 19) : id,
    CreatedAt: created ?? '',
    CreatedSince: created === null ? '' : `${duration(age(created))} ago`,
    CreatedBy: trunc ? shortened(command) : command,
    Size: megabytes(size),
    Comment: comment,
  };
}

function age(time: string): number {
  return Math.max(0, (Date.now() - Date.parse(time)) / 1000);
}

const widest = 60;

/** A command as a table has it. */
export function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= widest ? text : `${characters.slice(0, widest - 1).join('')}…`;
}
