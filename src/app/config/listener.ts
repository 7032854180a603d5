// listener "tcp": where to listen, with which certificate, and what is too much.
import { bool, choice, or, text } from '../../base/fields.ts'
import type { ListenerConfig } from '../listen.ts'
import { FOREIGN_LISTENER } from './foreign.ts'
import { limitKeys, type ListenerLimits, limitsOf } from './listener-limits.ts'
import { type Block, readStanza, refuse } from './stanza.ts'

export type ListenerSettings = ListenerConfig & Partial<ListenerLimits>

const KEYS = {
  address: or(text('host:port to listen on.'), '127.0.0.1:8200'),
  tls_disable: or(bool('Serve without TLS.'), false),
  tls_cert_file: or(text('PEM file of the certificate and its intermediates.'), ''),
  tls_key_file: or(text('PEM file of the private key.'), ''),
  tls_client_ca_file: or(text('PEM file of the authorities that client certificates must come from.'), ''),
  tls_min_version: or(choice('Oldest version of TLS.', ['tls12', 'tls13']), 'tls12'),
  ...limitKeys,
}

export const LISTENER = { keys: KEYS, foreign: FOREIGN_LISTENER }

export function parseListeners(whole: Block, blocks: readonly Block[]): ListenerSettings[] {
  if (blocks.length === 0) throw refuse(whole, 'a listener "tcp" { … } is missing')
  const parsed = blocks.map(parseListener)
  for (const [at, { address }] of parsed.entries()) {
    const twin = parsed.findIndex((one) => one.address === address)
    if (twin < at) throw refuse(blocks[at] as Block, `${address} has a listener already, at ${blocks[twin]?.place}`)
  }
  return parsed
}

function parseListener(block: Block): ListenerSettings {
  const [kind] = block.labels
  if (kind !== 'tcp') throw refuse(block, `${block.title} is not offered; write listener "tcp" { … }`)
  const { values } = readStanza(block, LISTENER)
  if (!/^(\[[0-9A-Fa-f:.]+\]|[^:[\]\s]*):\d{1,5}$/.test(values.address)) throw refuse(block, `address "${values.address}" is not host:port`)
  const shared = { address: values.address, ...limitsOf(block, values) }
  if (values.tls_disable) return shared
  if (values.tls_cert_file === '' || values.tls_key_file === '') {
    throw refuse(block, 'listener "tcp" needs tls_cert_file and tls_key_file, or tls_disable = true')
  }
  return {
    ...shared,
    tls: {
      certFile: values.tls_cert_file,
      keyFile: values.tls_key_file,
      minVersion: values.tls_min_version === 'tls13' ? 'TLSv1.3' : 'TLSv1.2',
      ...(values.tls_client_ca_file === '' ? {} : { clientCaFile: values.tls_client_ca_file }),
    },
  }
}
