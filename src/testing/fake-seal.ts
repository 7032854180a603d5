// A seal whose key lies in the test: it can be away, lie, and change its key.
import { randomBytes } from 'node:crypto'
import { openRecord, sealRecord } from '../crypto/aead.ts'
import type { Seal } from '../seal/wrapper.ts'

export interface FakeSeal extends Seal {
  /** While set, every call fails with this. */
  down: string | undefined
  /** Wraps with another key from now on; what older ones wrapped it still unwraps. */
  rotate(): void
  readonly calls: string[]
}

export function fakeSeal(name = 'fake', more: Partial<Pick<Seal, 'priority' | 'disabled'>> = {}): FakeSeal {
  const keys = [randomBytes(32)]
  const calls: string[] = []
  const seal: FakeSeal = {
    name,
    priority: 0,
    disabled: false,
    ...more,
    down: undefined,
    calls,
    rotate: () => void keys.push(randomBytes(32)),
    wrapper: {
      type: 'fake',
      async wrap(key) {
        calls.push('wrap')
        if (seal.down) throw new Error(seal.down)
        const version = keys.length
        const record = sealRecord(keys[version - 1] as Buffer, version, key, name, { bytes: randomBytes })
        return { keyId: `v${version}`, text: record.toString('base64') }
      },
      async unwrap({ text }) {
        calls.push('unwrap')
        if (seal.down) throw new Error(seal.down)
        return openRecord((version) => keys[version - 1], Buffer.from(text, 'base64'), name)
      },
    },
  }
  return seal
}

/** The same seal as another configuration may have it. */
export function reconfigured(seal: FakeSeal, more: Partial<Pick<Seal, 'priority' | 'disabled'>>): Seal {
  return { name: seal.name, priority: seal.priority, disabled: seal.disabled, wrapper: seal.wrapper, ...more }
}
