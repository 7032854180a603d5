// `seal "static"`: a key in a file or in the environment, put there by whatever else is trusted on the machine.
import { Fault } from '../../base/fault.ts'
import { or, secret, text, type Values } from '../../base/fields.ts'
import type { Random } from '../../base/ports.ts'
import { openRecord, sealRecord } from '../../crypto/aead.ts'
import { openLocked } from '../../crypto/locked.ts'
import { KEY_BYTES } from '../keyring.ts'
import type { Wrapper } from '../wrapper.ts'
import { readReference, type ReferencePorts } from './reference.ts'

export const staticShape = {
  current_key_id: text('Name of the key in current_key; another key has another name.'),
  current_key: secret(text('32 bytes, in hex or base64, or where they are: file://…, env://….')),
  previous_key_id: or(text('Name of the key in previous_key.'), ''),
  previous_key: secret(or(text('The key of before, while what it wrapped is wrapped anew.'), '')),
}

export interface StaticPorts extends ReferencePorts {
  readonly random: Random
}

/** The term of records whose key has no successors, and the place that all of them are for. */
const ONLY_TERM = 0
const PLACE = 'seal/static'

/** Throws `invalid` for keys that can't be used. */
export function staticSeal(values: Values<typeof staticShape>, ports: StaticPorts): Wrapper {
  if ((values.previous_key === '') !== (values.previous_key_id === '')) {
    throw new Fault('invalid', 'previous_key and previous_key_id are needed together, or neither')
  }
  if (values.current_key_id === values.previous_key_id) throw new Fault('invalid', 'current_key_id and previous_key_id must differ')
  const given = [
    [values.current_key_id, 'current_key', values.current_key],
    ...(values.previous_key === '' ? [] : [[values.previous_key_id, 'previous_key', values.previous_key]]),
  ] as [string, string, string][]
  const pages = openLocked(given.length * KEY_BYTES)
  const keys = new Map<string, Buffer>()
  for (const [index, [id, name, source]] of given.entries()) {
    const own = pages.bytes.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES)
    const key = readKey(name, source, ports)
    own.set(key)
    key.fill(0)
    keys.set(id, own)
  }
  return {
    type: 'static',
    async wrap(key) {
      const current = keys.get(values.current_key_id) as Buffer
      return { keyId: values.current_key_id, text: sealRecord(current, ONLY_TERM, key, PLACE, ports.random).toString('base64') }
    },
    async unwrap({ keyId, text: wrapped }) {
      const key = keys.get(keyId)
      if (!key) throw new Error(`it was wrapped by the key ${JSON.stringify(keyId)}, which is not configured`)
      return openRecord(() => key, Buffer.from(wrapped, 'base64'), PLACE)
    },
    close: () => pages.close(),
  }
}

/** The caller wipes it. */
function readKey(name: string, source: string, ports: StaticPorts): Buffer {
  const content = readReference(name, source, ports) ?? Buffer.from(source)
  // Half a key in hex has the length of a whole one.
  const bare = source.startsWith('file://') && content.length === KEY_BYTES && !/^[0-9a-fA-F]*$/.test(content.toString('latin1'))
  return bare ? content : decoded(name, content)
}

/** Hex or base64, with spaces around. */
function decoded(name: string, content: Buffer): Buffer {
  const encoded = content.toString('latin1').trim()
  const key = /^[0-9a-fA-F]{64}$/.test(encoded) ? Buffer.from(encoded, 'hex') : Buffer.from(encoded, 'base64')
  content.fill(0)
  if (key.length !== KEY_BYTES || !/^([0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)$/.test(encoded)) {
    throw new Fault('invalid', `${name} must be ${KEY_BYTES} bytes in hex or base64; in a file, also as they are`)
  }
  return key
}
