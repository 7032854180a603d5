// Selectors: facts about a node or workload, as `type:value`; each type knows which values can ever match, so a typo is an error.
import { Fault } from '../base/fault.ts'

export interface Selector {
  readonly type: string
  readonly value: string
}

const MAX_BYTES = 2048
const digits = /^\d+$/
const sha = /^[0-9a-f]{64}$/
const some = /^[\s\S]+$/
const hex40 = /^[0-9a-f]{40}$/
const name = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const keyed = /^[^:]+:[\s\S]*$/

/** The kinds of each selector type and what a value of each looks like; '' is a type whose whole value is free. */
const TYPES: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  unix: { uid: digits, user: some, gid: digits, group: some, supplementary_gid: digits, supplementary_group: some, path: /^\/[\s\S]+$/, sha256: sha },
  systemd: { id: /^[^/\s]+\.(service|scope|slice|socket|mount|timer|target|path|swap|device|automount)$/, fragment_path: /^\/[\s\S]+$/ },
  docker: { label: keyed, env: /^[^=]+=[\s\S]*$/, image_id: some, image_config_digest: /^sha256:[0-9a-f]{64}$/ },
  k8s: {
    ns: name,
    'ns-label': keyed,
    sa: name,
    'container-name': name,
    'container-image': some,
    'node-name': name,
    'pod-label': keyed,
    'pod-owner': keyed,
    'pod-owner-uid': keyed,
    'pod-uid': some,
    'pod-name': name,
    'pod-image': some,
    'pod-image-count': digits,
    'pod-init-image': some,
    'pod-init-image-count': digits,
    // Of what brokers refer to, besides pods.
    uid: some,
    resource: /^[^.]+\..+$/,
    plural: name,
    group: name,
    version: name,
    apiVersion: some,
    kind: some,
    name: some,
    namespace: name,
    key: some,
    label: keyed,
    'owner-key': /^[^/]+\/[^/]+\/.+$/,
    'owner-uid': /^[^/]+\/[^/]+\/.+$/,
    'controller-key': /^[^/]+\/[^/]+\/.+$/,
    'controller-uid': /^[^/]+\/[^/]+\/.+$/,
  },
  x509pop: { 'subject:cn': some, 'ca:fingerprint': hex40, serialnumber: /^[0-9a-f]+$/, san: keyed },
  http_challenge: { hostname: some },
  tpm_devid: { 'subject:cn': some, 'issuer:cn': some, 'ca:fingerprint': hex40 },
  aws_iid: {
    account_id: /^\d{12}$/,
    az: some,
    region: /^[a-z0-9-]+$/,
    'instance:id': /^i-[0-9a-f]+$/,
    'image:id': /^ami-[0-9a-f]+$/,
    iamrole: /^arn:[\s\S]+$/,
    'sg:id': /^sg-[0-9a-f]+$/,
    'sg:name': some,
    tag: keyed,
  },
  azure_imds: {
    'subscription-id': some,
    'vm-name': some,
    'vm-location': some,
    'resource-group': some,
    'vm-tag': keyed,
    'network-security-group': some,
    'virtual-network': some,
    'virtual-network-subnet': some,
  },
  gcp_iit: { 'project-id': some, zone: some, 'instance-name': some, sa: some, tag: some, label: keyed, metadata: keyed },
  k8s_psat: {
    cluster: some,
    agent_ns: name,
    agent_sa: name,
    agent_pod_name: name,
    agent_pod_uid: some,
    agent_pod_label: keyed,
    agent_node_ip: some,
    agent_node_name: name,
    agent_node_uid: some,
    agent_node_label: keyed,
  },
  spiffe_id: { '': /^spiffe:\/\/[\s\S]+$/ },
}

/** From the one-text form: `unix:uid:1000`. Throws `invalid`. */
export function parseSelector(text: string): Selector {
  const colon = text.indexOf(':')
  if (colon < 1) throw new Fault('invalid', `selector "${text}" must be formatted as type:value`)
  return { type: text.slice(0, colon), value: text.slice(colon + 1) }
}

export const formatSelector = ({ type, value }: Selector): string => `${type}:${value}`

/** Throws `invalid` for what is no selector of anything. Of what is stored somewhere, selectors say where, in words of the store's own. */
export function checkSelectorForm(selector: Selector): void {
  if (selector.value === '') throw new Fault('invalid', `selector "${selector.type}:" has no value`)
  if (Buffer.byteLength(formatSelector(selector)) > MAX_BYTES) throw new Fault('invalid', `a selector has at most ${MAX_BYTES} bytes`)
}

/**
 * Throws `invalid` for a selector that no attestor can ever produce: an unknown type or kind (with the nearest known one),
 * or a value of the wrong form.
 */
export function checkSelector(selector: Selector): void {
  checkSelectorForm(selector)
  const { type, value } = selector
  const kinds = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (!kinds) throw new Fault('invalid', `selector type "${type}" is unknown${suggestion(type, Object.keys(TYPES))}`)
  const kind = Object.keys(kinds).find((one) => one === '' || value.startsWith(`${one}:`))
  if (kind === undefined) {
    const given = value.split(':')[0] ?? ''
    throw new Fault('invalid', `selector "${formatSelector(selector)}": ${type} has no "${given}"${suggestion(given, Object.keys(kinds))}`)
  }
  const rest = kind === '' ? value : value.slice(kind.length + 1)
  if (!kinds[kind]?.test(rest)) throw new Fault('invalid', `selector "${formatSelector(selector)}": "${rest}" cannot be a value of ${type}:${kind}`)
}

function suggestion(given: string, known: readonly string[]): string {
  const near = known.map((one) => ({ one, distance: editDistance(given, one) })).sort((a, b) => a.distance - b.distance)[0]
  return near && near.distance <= Math.max(1, given.length / 3) ? `; did you mean "${near.one}"?` : ` (known: ${known.join(', ')})`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min((row[j] as number) + (letter === other ? 0 : 1), (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}

/** Sorted and without doubles, so that equal sets are equal texts. */
export function normalSelectors(selectors: readonly Selector[]): Selector[] {
  const byText = new Map(selectors.map((one) => [formatSelector(one), one]))
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

/** Whether a workload or node with the selectors `has` is one that `asked` describes. */
export function isSubset(asked: readonly Selector[], has: ReadonlySet<string>): boolean {
  return asked.every((one) => has.has(formatSelector(one)))
}
