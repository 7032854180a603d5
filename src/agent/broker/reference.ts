// What a broker refers to, parsed: a process of this machine, or an object of Kubernetes (SPIFFE_Broker_API.md §3.1.3).
import type { Of } from '../../wire/protobuf.ts'
import type { ObjectReference } from '../attestors/attestor.ts'
import * as wire from './messages.ts'
import { refusal } from './refusals.ts'

export type Reference = { readonly kind: 'pid'; readonly pid: number } | { readonly kind: 'kubernetes'; readonly object: ObjectReference }
export type ReferenceKind = Reference['kind']

const KINDS: Readonly<Record<string, { readonly kind: ReferenceKind; readonly read: (value: Buffer) => Reference }>> = {
  [wire.TYPES.pid]: { kind: 'pid', read: readPid },
  [wire.TYPES.kubernetes]: { kind: 'kubernetes', read: readKubernetes },
}

/** A reference whose kind is known, and not yet what it says. */
export interface Unread {
  readonly kind: ReferenceKind
  /** Throws `invalid`. */
  read(): Reference
}

/** Throws `invalid` where there is none, or one of a type that nobody knows. */
export function kindOf(given: Partial<Of<typeof wire.WorkloadReference>> | undefined): Unread {
  const { typeUrl = '', value = Buffer.alloc(0) } = given?.reference ?? {}
  if (typeUrl === '') throw refusal('invalid', 'workload reference must be provided')
  const known = Object.hasOwn(KINDS, typeUrl) ? KINDS[typeUrl] : undefined
  if (!known) throw refusal('invalid', `unsupported reference type: ${typeUrl}`)
  return { kind: known.kind, read: () => known.read(value) }
}

function readPid(value: Buffer): Reference {
  const { pid } = decoded(() => wire.PidReference.decode(value))
  if (pid <= 0) throw refusal('invalid', 'the pid must be a positive integer', { pid: String(pid) })
  return { kind: 'pid', pid }
}

/** As Kubernetes assigns them; that of a pod which the kubelet itself was given is a hash. */
const UID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$/

function readKubernetes(value: Buffer): Reference {
  const { type, key, uid } = decoded(() => wire.KubernetesReference.decode(value))
  const { plural = '', group = '' } = type ?? {}
  if (plural === '') throw refusal('invalid', 'object reference type is missing plural')
  if (group === '') throw refusal('invalid', 'object reference type is missing group')
  if (!key && uid === '') throw refusal('invalid', 'object reference is missing key and uid')
  const { namespace = '', name = '' } = key ?? {}
  if (key && name === '') throw refusal('invalid', 'object reference key is missing name')
  if (uid !== '' && !UID.test(uid)) throw refusal('invalid', 'object reference uid is no UUID', { uid })
  return { kind: 'kubernetes', object: { plural, group, key: key && { namespace, name }, uid: uid === '' ? undefined : uid } }
}

function decoded<T>(decode: () => T): T {
  try {
    return decode()
  } catch {
    throw refusal('invalid', 'workload reference cannot be read')
  }
}
