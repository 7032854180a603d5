// One audit record as Vault writes it: who asked what, and what came back, with every text that might be secret as an HMAC.
import { formatTime } from '../base/duration.ts'
import type { Fault } from '../base/fault.ts'
import { isObject, type JsonObject } from '../base/json.ts'
import type { Known, Received, Routed } from '../contract/call.ts'
import { type AuthBlock, grantedTtl, type Token, type WrapInfo } from '../contract/token.ts'
import { namespaceIdOf } from '../store/layout.ts'
import { mountBlock, tokenBlock, wrapBlock } from './blocks.ts'
import type { CallerHashes, Hasher } from './hasher.ts'
import { hashLeaves, withoutNames } from './leaves.ts'
import { outcome } from './outcome.ts'

/** A call at whatever stage it reached. */
export type Trail = Received &
  Partial<Omit<Routed, keyof Received>> &
  Partial<Pick<Known, 'caller'>> & {
    /** The policies that let it pass. */
    readonly granting?: readonly string[]
    /** A write that makes something new. */
    readonly creates?: boolean
  }

/** What the client was answered, as far as the record tells. */
export interface Told {
  readonly auth?: AuthBlock
  readonly data?: JsonObject | null
  readonly warnings?: readonly string[]
  /** The answer was wrapped; what is in it is not told, except that a login was. */
  readonly wrapInfo?: WrapInfo
  /** The envelope of a wrapped answer that was given out. */
  readonly opened?: JsonObject
  /** Of what was lent with the data; shown in clear, as Vault does. */
  readonly leaseId?: string
}

/** A request header that is recorded: its name in lower case, its values, and whether they are shown as HMACs. */
export interface ShownHeader {
  readonly name: string
  readonly values: readonly string[]
  readonly hmac: boolean
}

/** What the records of one call share, as JSON text under one device's salt. */
export interface Parts {
  readonly auth: string
  readonly request: string
}

export interface PartsOptions {
  readonly headers: readonly ShownHeader[]
  /** Of the modules, as the mount table shows it. */
  readonly version: string
}

const OPERATION = { read: 'read', list: 'list', scan: 'scan', write: 'update', patch: 'patch', delete: 'delete', help: 'help' } as const

/** Vault's name for what is asked. */
export function operationOf({ verb, creates }: Trail): string {
  return verb === 'write' && creates ? 'create' : OPERATION[verb]
}

export function partsOf(trail: Trail, hasher: Hasher, options: PartsOptions): Parts {
  const hashes = trail.caller && hasher.caller(trail.caller, trail.token?.reveal() ?? '')
  return { auth: authText(trail, hashes), request: JSON.stringify(requestOf(trail, hasher, hashes, options)) }
}

/** One line, without its end. */
export function requestLine({ auth, request }: Parts, now: number, fault?: Fault): string {
  return `{"time":"${formatTime(now)}","type":"request","auth":${auth},"request":${request}${errorText(fault)}}`
}

/** `auth` is that of the request, unless a login gave another. */
export function responseLine(parts: Parts, { auth, response }: ResponseParts, now: number, fault?: Fault): string {
  const who = auth ? JSON.stringify(auth) : parts.auth
  const told = JSON.stringify(response)
  return `{"time":"${formatTime(now)}","type":"response","auth":${who},"request":${parts.request},"response":${told}${errorText(fault)}}`
}

export interface ResponseParts {
  /** The token that a login gave. */
  readonly auth: JsonObject | undefined
  readonly response: JsonObject
}

export function responseOf(trail: Trail, told: Told, hasher: Hasher, version: string, fault?: Fault): ResponseParts {
  const { mount, caller } = trail
  const data = fault && fault.errors.length > 0 ? { error: fault.errors.join('; ') } : told.data
  const clear = fault ? [] : (mount?.config.auditNonHmacResponseKeys ?? [])
  const auth = told.auth && newAuth(told.auth, hasher)
  const response = {
    ...(auth && !told.wrapInfo ? { auth } : {}),
    ...mountBlock(mount, 'mount_running_plugin_version', version),
    ...(told.leaseId === undefined ? {} : { secret: { lease_id: told.leaseId } }),
    ...(data ? { data: hashLeaves(hasher.elides && trail.verb === 'list' ? withoutNames(data) : data, hasher.text, clear) } : {}),
    ...(told.opened ? openedOf(told.opened, hasher, clear) : {}),
    ...(told.warnings && told.warnings.length > 0 ? { warnings: [...told.warnings] } : {}),
    ...(told.wrapInfo ? { wrap_info: wrapBlock(told.wrapInfo, hasher) } : {}),
  }
  return { auth: caller ? undefined : auth, response }
}

/** As the record of the answer would have told it, had it not been wrapped; all texts of a login are hashed here. */
function openedOf({ data, auth, warnings }: JsonObject, hasher: Hasher, clear: readonly string[]): JsonObject {
  return {
    ...(isObject(auth) ? { auth: hashLeaves(auth, hasher.text, []) } : {}),
    ...(isObject(data) ? { data: hashLeaves(data, hasher.text, clear) } : {}),
    ...(Array.isArray(warnings) ? { warnings } : {}),
  }
}

function newAuth({ token, clientToken }: AuthBlock, hasher: Hasher): JsonObject {
  return {
    ...tokenBlock(token, hasher.text(clientToken), hasher.accessor(token.accessor), grantedTtl(token)),
    ...(token.numUses > 0 ? { num_uses: token.numUses } : {}),
  }
}

/** A token that calls again and again is mostly granted by the same policies. */
function authText(trail: Trail, hashes: CallerHashes | undefined): string {
  const key = trail.granting?.join() ?? 'refused'
  const known = hashes?.auth.get(key)
  if (known !== undefined) return known
  const text = JSON.stringify(authOf(trail, hashes))
  hashes?.auth.set(key, text)
  return text
}

function authOf(trail: Trail, hashes: CallerHashes | undefined): JsonObject {
  const { caller, granting } = trail
  if (!caller || !hashes) return { ...(granting ? { policy_results: { allowed: true } } : {}), token_type: 'default' }
  return {
    ...tokenBlock(caller, hashes.id, hashes.accessor),
    policy_results: granting ? { allowed: true, granting_policies: granting.map((name) => granted(name, caller)) } : { allowed: false },
    ...(caller.numUses === 0 ? {} : { remaining_uses: usesBefore(caller, trail) }),
  }
}

/** Policies are those of the namespace that the token is of. */
function granted(name: string, { hash, namespace }: Token): JsonObject {
  return { name, namespace_id: namespaceIdOf(hash), ...(namespace === '' ? {} : { namespace_path: namespace }), type: 'acl' }
}

/** This call has been counted already, unless it takes what the token holds: that counts when it is taken. */
function usesBefore({ numUses }: Token, { target }: Trail): number {
  const takes = target?.found === 'op' && target.op.wrapping === 'takes'
  return takes && numUses > 0 ? numUses : Math.max(numUses, 0) + 1
}

function requestOf(trail: Trail, hasher: Hasher, hashes: CallerHashes | undefined, { headers, version }: PartsOptions): JsonObject {
  const { mount, token, data, peer } = trail
  const clear = mount?.config.auditNonHmacRequestKeys ?? []
  return {
    id: trail.id,
    ...(hashes ? { client_id: hashes.clientId } : {}),
    operation: operationOf(trail),
    ...mountBlock(mount, 'mount_running_version', version),
    ...(token ? { client_token: hashes?.id ?? hasher.text(token.reveal()) } : {}),
    ...(hashes && hashes.accessor !== '' ? { client_token_accessor: hashes.accessor } : {}),
    namespace: namespaceOf(trail),
    path: trail.path,
    ...(data && Object.keys(data).length > 0 ? { data: hashLeaves(data, hasher.text, clear) } : {}),
    remote_address: peer.address,
    remote_port: peer.port,
    ...(trail.wrapTtl === undefined ? {} : { wrap_ttl: trail.wrapTtl }),
    ...(headers.length > 0 ? { headers: Object.fromEntries(headers.map((one) => [one.name, shown(one, hasher)])) } : {}),
    ...(peer.certificate === undefined ? {} : { client_certificate_serial_number: peer.certificate }),
    ...(peer.svid ? { client_spiffe_id: peer.svid.id } : {}),
    ...(peer.user ? { client_uid: peer.user.uid, client_pid: peer.user.pid } : {}),
  }
}

/** The root has no path; where the header named none that is there, what it said is all there is. */
function namespaceOf({ tenant, namespace }: Trail): JsonObject {
  if (!tenant) return { id: '', path: namespace }
  return tenant.path === '' ? { id: tenant.id } : { id: tenant.id, path: tenant.path }
}

function shown({ values, hmac }: ShownHeader, hasher: Hasher): string[] {
  return hmac ? values.map(hasher.text) : [...values]
}

function errorText(fault: Fault | undefined): string {
  return fault ? `,"error":${JSON.stringify(outcome(fault))}` : ''
}
