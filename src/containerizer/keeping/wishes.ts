/** When a container that has ended is started again, as Docker has it. */
export interface RestartPolicy {
  name: 'no' | 'on-failure' | 'always' | 'unless-stopped';
  /** Of `on-failure`: how often at most since it was last started by hand; 0: without end. */
  maximum_retries: number;
}

/** A command that tells whether a container does its work. Times in seconds. */
export interface HealthCommand {
  /** For /bin/sh -c in the container. */
  command: string;
  interval: number;
  timeout: number;
  /** How many failures in a row are too many. */
  retries: number;
  /** Failures so soon after the start count for nothing, until the first success. */
  start_period: number;
}
