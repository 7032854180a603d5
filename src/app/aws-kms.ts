// AWS KMS by Amazon's own client, which is loaded only where a seal needs it.
import type { Kms, KmsSettings } from '../seal/kinds/awskms.ts'
import { loadOptional } from './optional-package.ts'

/** A seal must not hang where it stands for another to be asked. */
const TIMEOUT_MS = 10_000
const ATTEMPTS = 2

export async function openAwsKms({ region, endpoint, credentials }: KmsSettings): Promise<Kms> {
  const { KMSClient, EncryptCommand, DecryptCommand } = await loadOptional('@aws-sdk/client-kms', () => import('@aws-sdk/client-kms'))
  const client = new KMSClient({
    region: region ?? process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    maxAttempts: ATTEMPTS,
    requestHandler: { requestTimeout: TIMEOUT_MS, connectionTimeout: TIMEOUT_MS },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  })
  return {
    async encrypt(keyId, plaintext) {
      const { KeyId, CiphertextBlob } = await client.send(new EncryptCommand({ KeyId: keyId, Plaintext: plaintext }))
      if (KeyId === undefined || CiphertextBlob === undefined) throw new Error('the answer has no ciphertext')
      return { keyId: KeyId, ciphertext: CiphertextBlob }
    },
    async decrypt(keyId, ciphertext) {
      const { Plaintext } = await client.send(new DecryptCommand({ KeyId: keyId, CiphertextBlob: ciphertext }))
      if (Plaintext === undefined) throw new Error('the answer has no plaintext')
      return Plaintext
    },
  }
}
