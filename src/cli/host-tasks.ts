import { tasksOf } from '../agent/inspection/host-tasks.js';
import type { ListTasks } from '../inspect/task-source.js';
import { report } from './report.js';

/** The containers of an installation; damaged records are told on stderr. */
export const listTasks: ListTasks = (roots) => tasksOf(roots, (damage) => report(damage, 'ps'));
