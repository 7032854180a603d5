// As much of a transit engine as a seal needs, with the answers of OpenBao 2.6: encrypt, decrypt, and the token's renewal.
import { randomBytes } from 'node:crypto'
import { openRecord, sealRecord } from '../crypto/aead.ts'

export interface FakeTransit {
  readonly token: string
  /** Seconds that the token lives, and how often it was renewed. */
  ttl: number
  renewals: number
  /** A new version of the key. */
  rotate(): void
  /** `path` without `/v1/`. */
  answer(method: string, path: string, headers: Readonly<Record<string, string | undefined>>, body: string): { status: number; body: string }
}

export function fakeTransit(mount = 'transit', key = 'signet', namespace = ''): FakeTransit {
  const versions = [randomBytes(32)]
  const random = { bytes: randomBytes }
  const fake: FakeTransit = {
    token: `s.${randomBytes(12).toString('hex')}`,
    ttl: 3_600,
    renewals: 0,
    rotate: () => void versions.push(randomBytes(32)),
    answer(method, path, headers, body) {
      const data = body === '' ? {} : JSON.parse(body)
      if (headers['x-vault-token'] !== fake.token) return refusal(403, '1 error occurred:\n\t* permission denied\n\n')
      if ((headers['x-vault-namespace'] ?? '') !== (namespace === '' ? '' : `${namespace}/`)) return refusal(404, 'no such namespace')
      const routes: Record<string, () => { status: number; body: string }> = {
        [`POST ${mount}/encrypt/${key}`]: () => {
          if (typeof data.plaintext !== 'string') return refusal(400, 'missing plaintext to encrypt')
          const version = versions.length
          const record = sealRecord(versions[version - 1] as Buffer, version, Buffer.from(data.plaintext, 'base64'), key, random)
          return envelope({ ciphertext: `vault:v${version}:${record.toString('base64')}`, key_version: version })
        },
        [`POST ${mount}/decrypt/${key}`]: () => {
          const record = Buffer.from(String(data.ciphertext).replace(/^vault:v\d+:/, ''), 'base64')
          try {
            return envelope({ plaintext: openRecord((version) => versions[version - 1], record, key).toString('base64') })
          } catch {
            return refusal(400, 'cipher: message authentication failed')
          }
        },
        'GET auth/token/lookup-self': () => envelope({ ttl: fake.ttl, renewable: true }),
        'PUT auth/token/renew-self': () => {
          fake.renewals++
          return { status: 200, body: JSON.stringify({ data: null, auth: { client_token: fake.token, lease_duration: fake.ttl } }) }
        },
      }
      return routes[`${method} ${path}`]?.() ?? refusal(404, `no handler for route "${path}". route entry not found.`)
    },
  }
  return fake
}

function envelope(data: object): { status: number; body: string } {
  return {
    status: 200,
    body: `${JSON.stringify({ request_id: 'r', lease_id: '', renewable: false, lease_duration: 0, data, wrap_info: null, warnings: null, auth: null })}\n`,
  }
}

function refusal(status: number, error: string): { status: number; body: string } {
  return { status, body: JSON.stringify({ errors: [error] }) }
}
