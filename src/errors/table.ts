/**
 * Every way berth refuses or fails, by stable code. `exit` is the status the command line ends with (docs/reference/errors.md
 * is generated from this table): 125 berth itself, 126 and 127 as a shell has them.
 */
export const errorTable = {
  USAGE: { exit: 125, meaning: 'The command line cannot be understood.' },
  NOT_ROOT: { exit: 125, meaning: 'The operation needs root on this host.' },
  NOT_BUILT: { exit: 125, meaning: 'The native addon is missing or was built for another Node.' },
  HOST_LACKS: { exit: 125, meaning: 'The kernel or the host lacks a feature that the operation needs.' },
  NO_SPACE: { exit: 125, meaning: 'The disk is full.' },
  STATE_DAMAGED: {
    exit: 125,
    meaning: "A file of berth's own state is missing, truncated or of an unknown format.",
  },

  REFERENCE_INVALID: { exit: 125, meaning: 'An image reference does not follow the grammar.' },
  IMAGE_NOT_FOUND: { exit: 125, meaning: 'No image answers to that reference.' },
  IMAGE_IN_USE: { exit: 125, meaning: 'A container still needs the image.' },
  IMAGE_INVALID: {
    exit: 125,
    meaning: 'A manifest, index, configuration or layer breaks its specification.',
  },
  IMAGE_CORRUPT: {
    exit: 125,
    meaning: 'Content does not have the digest, size or diff id that its descriptor states.',
  },
  IMAGE_HOSTILE: { exit: 125, meaning: 'A layer tries to leave its root file system or exceeds a limit.' },
  REGISTRY_UNREACHABLE: {
    exit: 125,
    meaning: 'Nobody answers for a registry: no address, no way, or nothing listens.',
  },
  REGISTRY_TLS: { exit: 125, meaning: 'A registry does not show a certificate that this host believes.' },
  REGISTRY_DENIED: { exit: 125, meaning: 'A registry refuses access: to log in may help.' },
  REGISTRY_LIMITED: { exit: 125, meaning: 'A registry is asked too often, and stays so.' },
  REGISTRY_FAILED: {
    exit: 125,
    meaning: 'A registry, or what is on the way to it, fails or breaks the protocol again and again.',
  },
  CREDENTIALS_INVALID: {
    exit: 125,
    meaning: 'A file of credentials or certificates, or a credential helper, is of no use.',
  },
  REGISTRIES_INVALID: {
    exit: 125,
    meaning: 'A registries.conf cannot be understood, or forbids the registry.',
  },
  SIGNATURE_REFUSED: {
    exit: 125,
    meaning: 'An image is not signed by a key that is trusted for it, or a policy refuses it.',
  },
  TRUST_INVALID: { exit: 125, meaning: 'A policy, a key or a signature cannot be understood.' },
  PLATFORM_MISSING: { exit: 125, meaning: 'The image has no manifest for this machine.' },

  CONTAINER_NOT_FOUND: { exit: 125, meaning: 'No container has that name or id.' },
  CONTAINER_AMBIGUOUS: { exit: 125, meaning: 'An id prefix fits several containers.' },
  CONTAINER_STATE: { exit: 125, meaning: 'The container is not in a state that allows the operation.' },
  NO_AGENT: { exit: 125, meaning: 'An agent on this host would have to see to that, and none runs.' },
  PATH_NOT_FOUND: { exit: 125, meaning: 'A path to copy from or to is not there.' },
  PATH_REFUSED: { exit: 125, meaning: 'What lies at a path, or around it, does not allow the copy.' },
  READ_ONLY: { exit: 125, meaning: 'The file system that is to be written to is read-only.' },
  VOLUME_NOT_FOUND: { exit: 125, meaning: 'No volume has that name.' },
  VOLUME_IN_USE: { exit: 125, meaning: 'A container still has the volume.' },
  POD_INVALID: { exit: 125, meaning: 'A pod manifest breaks its specification, or cannot be run as it is.' },
  POD_NOT_FOUND: { exit: 125, meaning: 'No pod has that name or uuid.' },
  NAME_IN_USE: { exit: 125, meaning: 'Another container already has that name.' },
  NETWORK_NOT_FOUND: { exit: 125, meaning: 'No network has that name.' },
  NETWORK_IN_USE: { exit: 125, meaning: 'Containers are still on the network.' },
  ADDRESS_IN_USE: { exit: 125, meaning: 'An address, a subnet or a port of the host is taken.' },
  LAUNCH_FAILED: { exit: 125, meaning: 'A step of the launch failed; the message names it.' },
  LIMIT_UNENFORCEABLE: { exit: 125, meaning: 'The host cannot enforce a limit that was asked for.' },
  LIMIT_REFUSED: { exit: 125, meaning: 'The kernel does not take the value of a limit.' },
  USER_UNKNOWN: { exit: 125, meaning: 'The user or group is not in the image.' },
  RECIPE_INVALID: {
    exit: 125,
    meaning: 'The recipe of an image cannot be followed; the message has the reason.',
  },
  COMMAND_NOT_EXECUTABLE: {
    exit: 126,
    meaning: 'The command was found in the container but cannot be executed.',
  },
  COMMAND_NOT_FOUND: { exit: 127, meaning: 'The command was not found in the container.' },

  MASTER_STATE: { exit: 125, meaning: 'The state of a master is used by another one, or cannot be written.' },
  AGENT_STATE: { exit: 125, meaning: 'The state of an agent is used by another one, or cannot be written.' },
  MASTER_UNREACHABLE: { exit: 125, meaning: 'No master answers at that address.' },
  MASTER_REFUSED: { exit: 125, meaning: 'The master refused the request; the message has its reason.' },
  NODE_NOT_FOUND: { exit: 125, meaning: 'No node of the cluster has that name or id, or several have it.' },
  TASK_NOT_FOUND: { exit: 125, meaning: 'No task of the cluster has that id, or several ids begin so.' },

  FETCH_FAILED: { exit: 125, meaning: 'A file that a task asks for cannot be brought into its sandbox.' },
  AGENT_UNREACHABLE: { exit: 125, meaning: 'No agent answers at the address of a node.' },
  AGENT_REFUSED: { exit: 125, meaning: 'An agent refused the request; the message has its reason.' },

  SERVICE_FAILED: {
    exit: 125,
    meaning: 'A daemon of berth cannot be run by systemd, or does not come up; the message has its reason.',
  },

  OUTPUT_LOST: { exit: 125, meaning: 'What a program wrote could not be delivered to its client in full.' },

  INTERNAL: { exit: 125, meaning: 'A defect in berth itself.' },
} as const satisfies Record<string, { exit: number; meaning: string }>;

export type ErrorCode = keyof typeof errorTable;
