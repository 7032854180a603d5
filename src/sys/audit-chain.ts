// sys/audit-chain: the public key of the audit chains' checkpoints, and how far each chain had come when it was last signed.
import { text } from '../base/fields.ts'
import { formatTime } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Path, path } from '../contract/module.ts'
import { data } from '../contract/reply.ts'
import type { ChainKey } from '../audit/chain-key.ts'
import type { Devices } from '../audit/devices.ts'
import type { Heads } from '../audit/heads.ts'

export interface ChainDeps {
  readonly devices: Devices
  readonly key: ChainKey
  readonly heads: Heads
}

export function auditChainPaths(deps: ChainDeps): Path[] {
  return [
    path('audit-chain', 'The key that vouches for audit logs.', {}, (op) => ({
      read: op({ doc: 'Read the public key.', run: () => data(describeKey(deps)) }),
    })),
    path('audit-chain/*path', 'The chains of an audit device.', { path: text('Where the device is mounted.') }, (op) => ({
      read: op({
        doc: 'Read the public key, and the last signed line of each chain: what `signet audit verify -key` compares a log with.',
        access: 'sudo',
        run: (_, { path: at }) => data({ ...describeKey(deps), chains: chainsOf(deps, `${at.replace(/\/$/, '')}/`) }),
      }),
    })),
  ]
}

function describeKey({ key }: ChainDeps): JsonObject {
  const published = key.published()
  if (!published) throw new Fault('missing')
  return { algorithm: 'ed25519', key_id: published.keyId, public_key: published.pem }
}

function chainsOf({ devices, heads }: ChainDeps, at: string): JsonObject[] {
  const device = devices.list().find((one) => one.path === at)
  if (!device) throw new Fault('invalid', `unknown audit backend ${JSON.stringify(at)}`)
  return heads.of(device).map(({ id, seq, hash, at: ms }) => ({ id, seq, hash, signed_at: formatTime(ms) }))
}
