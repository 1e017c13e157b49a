import type { Verb } from '../verb.js';

/** A verb's place in the help, and where its code is: nothing is loaded but the verb that was asked for. */
export interface VerbEntry {
  summary: string;
  load(): Promise<{ verb: Verb }>;
}

/** Every verb by name; a name of two words is a verb of a group (`image ls`). */
export const verbs: Record<string, VerbEntry> = {
  run: { summary: 'Run a command in a new container', load: () => import('./run.js') },
  create: {
    summary: 'Make a container that waits to be started',
    load: () => import('./create.js'),
  },
  start: {
    summary: 'Start containers that were created, or have ended',
    load: () => import('./start.js'),
  },
  restart: {
    summary: 'Stop containers that run, and start them again',
    load: () => import('./restart.js'),
  },
  attach: {
    summary: 'Take part in what goes in and out of a running container',
    load: () => import('./attach.js'),
  },
  exec: { summary: 'Run one more command in a container', load: () => import('./exec.js') },
  ps: {
    summary: 'Show tasks, or the processes and threads of one, and where their time goes',
    load: () => import('./ps.js'),
  },
  top: {
    summary: 'Show where the time of tasks, processes and threads goes, live',
    load: () => import('./top.js'),
  },
  stats: { summary: 'Show what containers use, again and again', load: () => import('./stats.js') },
  logs: { summary: 'Print what a container has written', load: () => import('./logs.js') },
  events: {
    summary: 'Show what happens to containers, images, volumes and networks',
    load: () => import('./events.js'),
  },
  inspect: {
    summary: 'Show all that is known of containers, images, volumes and networks, as JSON',
    load: () => import('./inspect.js'),
  },
  kill: { summary: 'Send a signal to the first process of containers', load: () => import('./kill.js') },
  stop: {
    summary: 'End containers: their stop signal, and after a while SIGKILL',
    load: () => import('./stop.js'),
  },
  pause: { summary: 'Hold every process of containers where it is', load: () => import('./pause.js') },
  unpause: { summary: 'Let paused containers go on', load: () => import('./unpause.js') },
  update: {
    summary: 'Change the limits or the restart policy of containers',
    load: () => import('./update.js'),
  },
  wait: {
    summary: 'Wait until containers have ended, and print the status of each',
    load: () => import('./wait.js'),
  },
  rm: { summary: 'Remove containers with their files and logs', load: () => import('./rm.js') },
  cp: {
    summary: 'Copy files between a container and the host',
    load: () => import('./cp.js'),
  },
  rename: { summary: 'Give a container another name', load: () => import('./rename.js') },
  diff: {
    summary: "Show what a container has changed of its image's files",
    load: () => import('./diff.js'),
  },
  export: {
    summary: 'Write the file system of a container as a tar archive',
    load: () => import('./export.js'),
  },
  commit: {
    summary: 'Make an image of what a container has become',
    load: () => import('./commit.js'),
  },
  login: {
    summary: 'Log in to a registry, and keep the credentials once it has taken them',
    load: () => import('./login.js'),
  },
  logout: { summary: 'Forget the credentials for a registry', load: () => import('./logout.js') },
  'image pull': {
    summary: 'Fetch images from their registries, verified and unpacked',
    load: () => import('./image-pull.js'),
  },
  'image push': {
    summary: 'Send an image of the store to a registry',
    load: () => import('./image-push.js'),
  },
  'image load': {
    summary: 'Bring images into the store, verified and unpacked',
    load: () => import('./image-load.js'),
  },
  'image layers': {
    summary: 'Tell or choose what becomes of layers that are new to the store',
    load: () => import('./image-layers.js'),
  },
  'image ls': { summary: 'List the images of the store', load: () => import('./image-ls.js') },
  'image inspect': {
    summary: 'Show the manifest, configuration and layers of images, as JSON',
    load: () => import('./image-inspect.js'),
  },
  'image unpack': {
    summary: 'Write the root file system of an image as a plain tree',
    load: () => import('./image-unpack.js'),
  },
  'image rm': { summary: 'Remove images from the store', load: () => import('./image-rm.js') },
  'image tag': { summary: 'Give an image one more name', load: () => import('./image-tag.js') },
  'image history': {
    summary: 'Show how an image came to be, newest first',
    load: () => import('./image-history.js'),
  },
  'image save': {
    summary: 'Write images to an archive, or as a layout, that other tools read',
    load: () => import('./image-save.js'),
  },
  'image import': {
    summary: 'Make an image from the archive of a root file system',
    load: () => import('./image-import.js'),
  },
  'image referrers': {
    summary: 'List what a registry has that belongs to an image: signatures, lists of packages, attestations',
    load: () => import('./image-referrers.js'),
  },
  'image build': {
    summary: 'Make an image from a recipe and the files of a folder, the same bytes each time',
    load: () => import('./image-build.js'),
  },
  'image verify': {
    summary: 'Check whether an image of the store may be run: its signatures, by the policy of now',
    load: () => import('./image-verify.js'),
  },
  'image prune': {
    summary: 'Remove the images without a name that no container needs',
    load: () => import('./image-prune.js'),
  },
  'image gc': {
    summary: 'Remove what no image needs, images without a name, and on request old and unused ones',
    load: () => import('./image-gc.js'),
  },
  'trust add': {
    summary: 'Trust keys to sign App Container Images',
    load: () => import('./trust-add.js'),
  },
  'trust ls': {
    summary: 'List the keys that may sign App Container Images',
    load: () => import('./trust-ls.js'),
  },
  'trust rm': { summary: 'Trust keys no longer', load: () => import('./trust-rm.js') },
  'container prune': {
    summary: 'Remove the containers that have ended or were never started',
    load: () => import('./container-prune.js'),
  },
  'pod run': { summary: 'Run the apps of a pod manifest together', load: () => import('./pod-run.js') },
  'pod ls': { summary: 'List the pods that run, with their apps', load: () => import('./pod-ls.js') },
  'pod inspect': {
    summary: 'Show all that is known of a pod, as JSON: its apps, and its manifest with all filled in',
    load: () => import('./pod-inspect.js'),
  },
  'pod stop': {
    summary: 'End pods: the stop signal to every app, and after a while SIGKILL',
    load: () => import('./pod-stop.js'),
  },
  'pod rm': {
    summary: 'Remove pods with their files, logs and empty volumes',
    load: () => import('./pod-rm.js'),
  },
  'volume create': {
    summary: 'Make a volume that containers can keep files in',
    load: () => import('./volume-create.js'),
  },
  'volume ls': { summary: 'List the volumes', load: () => import('./volume-ls.js') },
  'volume inspect': {
    summary: 'Show all that is known of volumes, as JSON',
    load: () => import('./volume-inspect.js'),
  },
  'volume rm': { summary: 'Remove volumes that no container has', load: () => import('./volume-rm.js') },
  'volume prune': {
    summary: 'Remove the volumes without a name that no container has',
    load: () => import('./volume-prune.js'),
  },
  port: { summary: "Show which ports of the host lead to a container's", load: () => import('./port.js') },
  'network create': {
    summary: 'Make a network that containers join with run --network',
    load: () => import('./network-create.js'),
  },
  'network ls': { summary: 'List the networks', load: () => import('./network-ls.js') },
  'network inspect': {
    summary: 'Show all that is known of networks, as JSON',
    load: () => import('./network-inspect.js'),
  },
  'network connect': {
    summary: 'Put a container on one more network, at once if it runs',
    load: () => import('./network-connect.js'),
  },
  'network disconnect': {
    summary: 'Take a container off a network, at once if it runs',
    load: () => import('./network-disconnect.js'),
  },
  'network rm': { summary: 'Remove networks that no container is on', load: () => import('./network-rm.js') },
  'network prune': {
    summary: 'Remove every network that no container is on, but for the default one',
    load: () => import('./network-prune.js'),
  },
  'bench launch': {
    summary: 'Measure how fast containers start, beside the other runtimes of this host',
    load: () => import('./bench-launch.js'),
  },
  up: {
    summary: 'Run a cluster of this host alone: a master and an agent, in the foreground',
    load: () => import('./up.js'),
  },
  agent: { summary: 'Run the agent of this host, in the foreground', load: () => import('./agent.js') },
  'agent install': {
    summary: 'Have systemd run the agent of this host, or exchange the one that it runs; tasks run on',
    load: () => import('./agent-install.js'),
  },
  'agent status': {
    summary: 'Show how the agent of this host is: its unit, its version, what it is connected to',
    load: () => import('./agent-status.js'),
  },
  'agent uninstall': {
    summary: 'End the agent that systemd runs on this host, and remove its unit',
    load: () => import('./agent-uninstall.js'),
  },
  master: { summary: 'Run the master of a cluster, in the foreground', load: () => import('./master.js') },
  'master install': {
    summary: 'Have systemd run the master of this host, or exchange the one that it runs; tasks run on',
    load: () => import('./master-install.js'),
  },
  'master status': {
    summary: 'Show how the master of this host is: its unit, its version, what it is connected to',
    load: () => import('./master-status.js'),
  },
  'master uninstall': {
    summary: 'End the master that systemd runs on this host, and remove its unit',
    load: () => import('./master-uninstall.js'),
  },
  'task ls': { summary: "List the cluster's tasks", load: () => import('./task-ls.js') },
  'task inspect': {
    summary: 'Show all that the master knows of a task, as JSON',
    load: () => import('./task-inspect.js'),
  },
  'task exec': {
    summary: 'Run one more command in a task, on whatever node that is',
    load: () => import('./task-exec.js'),
  },
  'task attach': {
    summary: 'Take part in what goes in and out of a task',
    load: () => import('./task-attach.js'),
  },
  'task logs': {
    summary: 'Print what a task of the cluster has written',
    load: () => import('./task-logs.js'),
  },
  'task files': { summary: "Look at the files of a task's sandbox", load: () => import('./task-files.js') },
  'task kill': { summary: 'End tasks of the cluster', load: () => import('./task-kill.js') },
  'node ls': { summary: "List the cluster's nodes", load: () => import('./node-ls.js') },
  'node inspect': {
    summary: 'Show a node, its resources and its tasks, as JSON',
    load: () => import('./node-inspect.js'),
  },
  'node drain': {
    summary: 'End the tasks of a node and give it no new ones',
    load: () => import('./node-drain.js'),
  },
  'node deactivate': {
    summary: 'Give a node no new tasks; those that run go on',
    load: () => import('./node-deactivate.js'),
  },
  'node reactivate': {
    summary: 'Give a node tasks again, after a drain or a deactivation',
    load: () => import('./node-reactivate.js'),
  },
  'node maintenance': {
    summary: 'Show or plan when nodes are away, and take them down and up',
    load: () => import('./node-maintenance.js'),
  },
  'framework ls': { summary: 'List the frameworks of the cluster', load: () => import('./framework-ls.js') },
  'framework teardown': {
    summary: 'End frameworks for good, with all their tasks',
    load: () => import('./framework-teardown.js'),
  },
  'bench unpack': {
    summary: 'Measure how fast images are unpacked, beside podman, umoci and tar',
    load: () => import('./bench-unpack.js'),
  },
  'bench density': {
    summary: 'Measure what one more idle container costs when there are a thousand, beside podman',
    load: () => import('./bench-density.js'),
  },
  gc: {
    summary: 'Find what was leaked (state, cgroups, ports, bridges, names) and heal it',
    load: () => import('./gc.js'),
  },
  info: {
    summary: 'Show this host and what this installation has on it',
    load: () => import('./info.js'),
  },
  df: {
    summary: 'Show what images, containers, volumes and caches take of the disk',
    load: () => import('./df.js'),
  },
  prune: {
    summary: 'Remove what nothing uses: ended containers, networks, images without a name',
    load: () => import('./prune.js'),
  },
  doctor: { summary: 'Show what this host has and lacks', load: () => import('./doctor.js') },
  completion: {
    summary: 'Print what makes a shell complete verbs, flags and names',
    load: () => import('./completion.js'),
  },
  version: {
    summary: 'Show the versions of berth, Node.js and the machine',
    load: () => import('./version.js'),
  },
};
