// Which container a process is in, by its control groups: the one thing about it that it can't write itself (cgroups(7)).

export interface Container {
  readonly id: string
  /** The uid of its pod, where it is in one. */
  readonly podUid: string | undefined
  /** Whether Kubernetes made its group. */
  readonly kubernetes: boolean
}

const HEX = '[0-9a-f]{64}'
/** `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>`, `<id>`; but not the monitors that run beside a container. */
const CONTAINER = new RegExp(`^(?:(?!.*conmon)[a-z][a-z0-9-]*-)?(${HEX})(?:\\.scope)?$`)
/** `pod<uid>`, or at the end of a slice's name, with underscores; a static pod's uid is a hash. */
const POD = /(?:^|-)pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/
const KUBERNETES = /^(?:kubelet-)?kubepods/

/**
 * From the content of /proc/<pid>/cgroup; undefined where it is in none. Throws where its groups name several containers or pods:
 * one that may make groups of its own could otherwise name another's.
 */
export function containerOf(cgroup: string): Container | undefined {
  const parts = cgroup
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => line.split(':').slice(2).join(':').split('/'))
    .flatMap((part) => part.split(':')) // as in slice:prefix:id, which containerd makes
  const ids = distinct(parts.map((part) => CONTAINER.exec(part)?.[1]))
  const pods = distinct(parts.map((part) => POD.exec(part)?.[1]?.replaceAll('_', '-')))
  if (ids.length > 1) throw new Error('the control groups of the process name several containers')
  if (pods.length > 1) throw new Error('the control groups of the process name several pods')
  const [id] = ids
  return id === undefined ? undefined : { id, podUid: pods[0], kubernetes: pods.length > 0 || parts.some((part) => KUBERNETES.test(part)) }
}

const distinct = (found: readonly (string | undefined)[]): string[] => [...new Set(found.filter((one) => one !== undefined))]
