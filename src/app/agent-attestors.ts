// What tells workloads apart, and by what a node is proven: the kinds that the agent's configuration can name.
import type { NodeAttestation } from '../agent/attestation.ts'
import type { WorkloadAttestor } from '../agent/attestors/attestor.ts'
import { dockerAttestor } from '../agent/attestors/docker.ts'
import { systemdAttestor } from '../agent/attestors/systemd.ts'
import { unixAttestor } from '../agent/attestors/unix.ts'
import type { Accounts } from '../agent/processes.ts'
import { bool, int, or, text } from '../base/fields.ts'
import { getLocally } from './agent-http.ts'
import { K8S, openK8s } from './agent-k8s.ts'
import { type AttestorKind, kind } from './agent-kinds.ts'
import { NODE_ATTESTORS } from './agent-nodes.ts'
import { localAccounts } from './agent-processes.ts'
import { type Block, refuse } from './config/stanza.ts'
import { remembering, systemNames } from './name-service.ts'
import { clock, timers } from './ports.ts'
import { askBus } from './system-bus.ts'

/** By the label of workload_attestor. */
export const WORKLOAD_ATTESTORS: Readonly<Record<string, AttestorKind<WorkloadAttestor>>> = {
  docker: kind(
    'What the container daemon says of a container: Docker, or Podman.',
    { docker_socket_path: or(text('Socket of the daemon.'), '/var/run/docker.sock') },
    ({ docker_socket_path: path }) => dockerAttestor(getLocally(path.replace(/^unix:\/\//, ''))),
  ),
  k8s: kind('What the kubelet of this node says of a pod and its containers.', K8S, openK8s),
  systemd: kind(
    'The unit that a process belongs to.',
    { bus_path: or(text('Socket of the system bus.'), '/run/dbus/system_bus_socket') },
    ({ bus_path: path }) => systemdAttestor(askBus(path)),
  ),
  unix: kind(
    'User, groups and program of a process.',
    {
      discover_workload_path: or(bool('Look at the program, too: its path and hash. Needs the right to see processes of other users.'), false),
      name_service: or(
        bool('Ask the name service of the system for the names of users and groups that are not in /etc/passwd and /etc/group.'),
        true,
      ),
      workload_size_limit: or(int('Bytes of the largest program that is hashed; 0 for any. A workload with a larger one gets nothing.'), 0),
    },
    ({ discover_workload_path: programs, name_service: named, workload_size_limit: limit }, block) => {
      if (limit < 0) throw refuse(block, 'workload_size_limit cannot be negative')
      return unixAttestor(named ? allAccounts() : localAccounts(), { programs, mostBytes: limit === 0 ? Number.MAX_SAFE_INTEGER : limit })
    },
  ),
}

/** What the files say counts first, as in nearly every nsswitch.conf; the others are asked where they say nothing. */
function allAccounts(): Accounts {
  const local = localAccounts()
  const others = remembering(systemNames(), { clock, timers })
  return {
    userOf: (uid) => local.userOf(uid) ?? others.userOf(uid),
    groupOf: (gid) => local.groupOf(gid) ?? others.groupOf(gid),
  }
}

export const nodeAttestation = (block: Block): NodeAttestation => kindOf(NODE_ATTESTORS, block).open(block)
export const workloadAttestor = (block: Block): WorkloadAttestor => kindOf(WORKLOAD_ATTESTORS, block).open(block)

function kindOf<T>(table: Readonly<Record<string, T>>, block: Block): T {
  const [label = ''] = block.labels
  const found = Object.hasOwn(table, label) ? table[label] : undefined
  if (found === undefined) throw refuse(block, `${block.title} is not offered; there are ${Object.keys(table).join(', ')}`)
  return found
}
