// x509pop, the node's side: it shows its certificate and signs what the server and itself made up.
import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { formatMessage, parseMessage, bytesOf } from '../../attest/go-json.ts'
import { bothNonces, newNonce } from '../../attest/nonces.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import { fromPem } from '../../crypto/certificate.ts'
import type { NodeAttestation } from '../attestation.ts'
import type { NodePorts } from './ports.ts'

export interface X509PopFiles {
  readonly key: string
  /** The certificate, and maybe what lies above it. */
  readonly certificate: string
  /** More of what lies above it; '' for none. */
  readonly intermediates: string
}

/** Files are read anew at each attempt, since certificates are renewed. */
export function x509pop({ random, readText }: Pick<NodePorts, 'random' | 'readText'>, files: X509PopFiles): NodeAttestation {
  return {
    type: 'x509pop',
    async payload() {
      const chain = [files.certificate, files.intermediates].filter((path) => path !== '').flatMap((path) => fromPem(readText(path)))
      if (chain.length === 0) throw new Fault('invalid', `${files.certificate} has no PEM certificates`)
      return formatMessage({ certificates: chain.map((der) => der.toString('base64')) })
    },
    async answer(challenge) {
      const key = privateKey(readText(files.key), files.key)
      const kind = key.asymmetricKeyType === 'rsa' ? 'rsa_signature' : 'ecdsa_signature'
      const asked = parseMessage(challenge, 'challenge')[kind]
      if (!isObject(asked)) throw new Fault('invalid', `the server gave a challenge for another kind of key than that of ${files.key}`)
      const nonce = newNonce(random)
      const message = bothNonces(bytesOf(asked['nonce'], 'nonce'), nonce)
      return formatMessage({ [kind]: { nonce: nonce.toString('base64'), ...signature(key, message) } })
    },
  }
}

function privateKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new Fault('invalid', `${path} has no private key in PEM`)
  }
}

function signature(key: KeyObject, message: Buffer): JsonObject {
  if (key.asymmetricKeyType === 'rsa') {
    return { signature: sign('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING }).toString('base64') }
  }
  const both = sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' })
  const half = both.length / 2
  return { r: both.subarray(0, half).toString('base64'), s: both.subarray(half).toString('base64') }
}
