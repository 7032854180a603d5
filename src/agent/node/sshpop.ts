// sshpop, the node's side: it shows its OpenSSH host certificate and signs what the server and itself made up.
import { createHash } from 'node:crypto'
import { bytesOf, formatMessage, parseMessage } from '../../attest/go-json.ts'
import { bothNonces, newNonce } from '../../attest/nonces.ts'
import { Fault } from '../../base/fault.ts'
import { parseSshPrivateKey } from '../../crypto/ssh-private.ts'
import { signSsh } from '../../crypto/ssh-sign.ts'
import type { NodeAttestation } from '../attestation.ts'
import type { NodePorts } from './ports.ts'

export interface SshPopFiles {
  readonly key: string
  readonly certificate: string
}

/** Files are read anew at each attempt, since certificates are renewed. */
export function sshpop({ random, readText }: Pick<NodePorts, 'random' | 'readText'>, files: SshPopFiles): NodeAttestation {
  return {
    type: 'sshpop',
    async payload() {
      const [, base64 = ''] = readText(files.certificate).trim().split(/\s+/)
      if (base64 === '') throw new Fault('invalid', `${files.certificate} has no OpenSSH certificate`)
      return formatMessage({ Certificate: base64 })
    },
    async answer(challenge) {
      const server = bytesOf(parseMessage(challenge, 'challenge')['Nonce'], 'Nonce')
      const nonce = newNonce(random)
      const combined = createHash('sha256').update(bothNonces(server, nonce)).digest()
      const { format, blob } = signSsh(parseSshPrivateKey(readText(files.key)), combined)
      return formatMessage({ Nonce: nonce.toString('base64'), Signature: { Format: format, Blob: blob.toString('base64'), Rest: null } })
    },
  }
}
